import numpy as np
import pytest

from sneakynet.errors import VolumeError
from sneakynet.volumes.volume import Volume


def test_shape_and_spacing() -> None:
    affine = np.array([[0.0, -2.0, 0.0, 5.0], [3.0, 0.0, 0.0, 5.0], [4.0, 0.0, 0.5, 5.0], [0.0, 0.0, 0.0, 1.0]])
    volume = Volume(np.zeros((2, 3, 4), dtype=np.int16), affine)
    assert volume.shape == (2, 3, 4)
    assert volume.spacing == (5.0, 2.0, 0.5)


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.diag([1.0, 0.0, 1.0, 1.0]), r"voxel spacing must be positive along every axis, got \(1.0, 0.0, 1.0\) mm"),
        (np.diag([1.0, np.nan, 1.0, 1.0]), r"an affine is a finite 4x4 matrix"),
    ],
)
def test_a_grid_that_is_none_is_refused(affine: np.ndarray, message: str) -> None:
    with pytest.raises(VolumeError, match=message):
        Volume(np.zeros((2, 3, 4), dtype=np.int16), affine)
