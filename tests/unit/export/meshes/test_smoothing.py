"""Stairs go, and no point goes far."""

import numpy as np

from sneakynet.export.meshes.borders import find_borders
from sneakynet.export.meshes.smoothing import smoothed

SPACING = (1.0, 1.0, 3.0)


def slope():
    i, k = np.indices((20, 8, 10))[[0, 2]]
    return (i < 2 * k).astype(np.uint8)


def test_points_stay_within_half_a_voxel():
    borders = find_borders(slope())
    start = borders.points * SPACING
    np.testing.assert_array_equal(smoothed(borders, spacing=SPACING, smooth=0.0), start)
    moved = np.abs(smoothed(borders, spacing=SPACING, smooth=1.0) - start)
    assert (moved <= np.array(SPACING) / 2 + 1e-4).all()
    assert moved.max() > 0.4


def test_a_staircase_becomes_a_slope():
    borders = find_borders(slope())
    start = borders.points * SPACING
    inner = (np.abs(start[:, 1] - 3.5) < 1) & (np.abs(start[:, 2] - 12) < 7) & (start[:, 0] > 0)
    normal = np.array([3.0, 0, -2]) / np.sqrt(13)  # 2 mm across per step of 3 mm
    before, after = (
        np.std(points[inner] @ normal) for points in (start, smoothed(borders, spacing=SPACING, smooth=0.65))
    )
    assert after < before / 2
