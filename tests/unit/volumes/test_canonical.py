import numpy as np

from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume


def test_a_scan_stored_from_left_to_right_is_turned() -> None:
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    affine = np.array([[0.0, 0, -1.5, 8], [2.0, 0, 0, -3], [0.0, 2.5, 0, 4], [0, 0, 0, 1]])
    turned = canonical(Volume(voxels, affine))
    assert turned.shape == (4, 2, 3)
    np.testing.assert_array_equal(turned.affine, [[1.5, 0, 0, 3.5], [0, 2, 0, -3], [0, 0, 2.5, 4], [0, 0, 0, 1]])
    assert turned.voxels[0, 1, 2] == voxels[1, 2, 3]
    assert np.shares_memory(turned.voxels, voxels)


def test_an_oblique_scan_stays_oblique() -> None:
    affine = np.eye(4)
    affine[:2, :2] = [[0.8, 0.6], [-0.6, 0.8]]
    turned = canonical(Volume(np.zeros((2, 2, 2), dtype=np.int16), affine))
    np.testing.assert_array_equal(turned.affine, affine)
