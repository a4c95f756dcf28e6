import numpy as np

from sneakynet.data.network_grid import on_network_grid
from sneakynet.volumes.volume import Volume


def test_a_scan_of_the_wanted_spacing_is_only_reordered():
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    affine = np.diag([-2.0, 2.0, 2.0001, 1.0])

    grid = on_network_grid(Volume(voxels, affine), spacing=(2.0, 2.0, 2.0))

    np.testing.assert_array_equal(grid.voxels, voxels[::-1])
    assert grid.affine[0, 0] == 2
    assert grid.affine[0, 3] == -2


def test_another_spacing_covers_the_same_box_along_the_scan_s_own_axes():
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1.0, 1.0, 3.0])
    scan = Volume(np.full((16, 24, 8), 70, dtype=np.int16), affine)

    grid = on_network_grid(scan, spacing=(4.0, 4.0, 4.0))

    assert grid.shape == (4, 6, 6)
    np.testing.assert_allclose(grid.affine[:3, :3], turn * 4, atol=1e-12)
    np.testing.assert_allclose(grid.voxels, 70, rtol=1e-6)
    middle = [v.affine[:3, :3] @ (np.array(v.shape) - 1) / 2 + v.affine[:3, 3] for v in (scan, grid)]
    np.testing.assert_allclose(*middle)


def test_marks_outside_what_a_ct_measures_do_not_bleed_into_coarse_voxels():
    voxels = np.full((8, 8, 8), -1000, dtype=np.int16)
    voxels[:, :, 0] = -3024  # not scanned
    voxels[:, :, 6:] = 40
    voxels[3, 3, 7] = 30000  # metal
    before = voxels.copy()

    grid = on_network_grid(Volume(voxels, np.eye(4)), spacing=(2.0, 2.0, 2.0))

    np.testing.assert_allclose(grid.voxels[:, :, 0], -1012)
    assert grid.voxels.max() < 40 + 3071 / 4
    np.testing.assert_array_equal(voxels, before)
