import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes

from sneakynet.inference.voids import enclosed, up_to_size


def shell(n):
    mask = np.ones((n, n, n), dtype=bool)
    mask[1:-1, 1:-1, 1:-1] = False
    return mask


def test_a_shell_encloses_its_inside():
    mask = shell(5)
    before = mask.copy()

    assert enclosed(mask).sum() == 27
    np.testing.assert_array_equal(mask, before)


def test_a_hole_over_a_face_opens_it_a_corner_does_not():
    corner, face = shell(5), shell(5)
    corner[0, 0, 0] = face[0, 2, 2] = False

    assert enclosed(corner).sum() == 27
    assert not enclosed(face).any()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("seed", range(20))
def test_what_scipy_fills(order, seed):
    mask = np.asarray(np.random.default_rng(seed).random((6, 5, 7)) < 0.75, order=order)

    np.testing.assert_array_equal(enclosed(mask), binary_fill_holes(mask) & ~mask)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 4), (2, 2, 2)])
def test_thin_masks_enclose_nothing(shape):
    assert not enclosed(np.ones(shape, dtype=bool)).any()


def test_large_cavities_are_left_out():
    cavities = np.zeros((9, 9, 9), dtype=bool)
    cavities[1:3, 1:3, 1:3] = True  # 8
    cavities[3, 3, 3] = True  # 1: over a corner it is another
    cavities[6:8, 6:8, 6] = True  # 4

    assert [int(up_to_size(cavities, voxels=n).sum()) for n in (0.0, 1.0, 3.9, 4.0, 8.0)] == [0, 1, 1, 5, 13]
    assert not up_to_size(cavities, voxels=4.0)[1, 1, 1]
    assert not up_to_size(np.zeros((3, 3, 3), dtype=bool), voxels=4.0).any()
