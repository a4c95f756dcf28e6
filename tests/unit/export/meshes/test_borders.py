"""Faces between voxels."""

import numpy as np

from sneakynet.export.meshes.borders import find_borders


def test_two_voxels():
    labels = np.array([300, 2], dtype=np.uint16)[:, None, None]
    borders = find_borders(labels)
    assert len(borders.points) == 12
    assert sorted(map(tuple, borders.sides.tolist())) == [(2, 0)] * 5 + [(2, 300)] + [(300, 0)] * 5
    np.testing.assert_array_equal(borders.points.min(0), (-0.5, -0.5, -0.5))
    np.testing.assert_array_equal(borders.points.max(0), (1.5, 0.5, 0.5))
    corners = borders.points[borders.quads]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1])
    behind = np.rint(corners.mean(1) - normal / 2).astype(int)
    assert [labels[tuple(voxel)] for voxel in behind] == borders.sides[:, 0].tolist()


def test_no_labels():
    borders = find_borders(np.zeros((3, 3, 3), dtype=np.uint8))
    assert (len(borders.points), len(borders.quads), len(borders.sides)) == (0, 0, 0)
