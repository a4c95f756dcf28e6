"""Surfaces of labels are closed whatever the voxels."""

import numpy as np
import pytest

from sneakynet.export.meshes.borders import find_borders
from sneakynet.export.meshes.closed import closed_surface


def edge_counts(faces):
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def surface_of(labels, label=1):
    borders = find_borders(labels)
    return closed_surface(borders, borders.points, label=label)


def test_a_block_is_a_sphere_to_euler():
    labels = np.zeros((4, 5, 6), dtype=np.uint8)
    labels[1:3, 1:4, 1:5] = 1
    closed = surface_of(labels)
    vertices, faces = closed.surface.vertices, closed.surface.faces
    assert len(faces) == 2 * 2 * (2 * 3 + 3 * 4 + 2 * 4)
    assert len(vertices) - len(faces) * 3 // 2 + len(faces) == 2
    assert closed.surface.signed_volume == pytest.approx(24)  # positive: triangles face outwards
    assert closed.pinches == 0
    assert not closed.shared.any()


@pytest.mark.parametrize("far", [(1, 1, 0), (1, 1, 1)], ids=["edge", "corner"])
def test_voxels_that_only_touch_are_parted(far):
    labels = np.zeros((2, 2, 2), dtype=np.uint8)
    labels[0, 0, 0] = labels[far] = 1
    closed = surface_of(labels)
    assert len(closed.surface.vertices) == 16
    assert (edge_counts(closed.surface.faces) == 2).all()
    assert len(np.unique(closed.surface.vertices.astype(np.float32), axis=0)) == 16  # no file welds them again
    assert closed.pinches == (4 if far == (1, 1, 0) else 2)


def test_noise_is_closed_too():
    rng = np.random.default_rng(0)
    for _ in range(30):
        labels = rng.integers(0, 4, (6, 5, 7)).astype(np.uint8)
        for label in (1, 2, 3):
            closed = surface_of(labels, label)
            assert (edge_counts(closed.surface.faces) == 2).all()
            assert closed.surface.signed_volume == pytest.approx(np.count_nonzero(labels == label), abs=1.5)


def test_bones_that_touch_share_their_triangles():
    labels = np.zeros((6, 4, 4), dtype=np.uint16)
    labels[:3], labels[3:] = 7, 300
    borders = find_borders(labels)
    one, other = (closed_surface(borders, borders.points, label=label) for label in (7, 300))
    assert one.shared.sum() == other.shared.sum() == 2 * 16
    triangles = [
        {tuple(sorted(map(tuple, corners))) for corners in part.surface.vertices[part.surface.faces[part.shared]]}
        for part in (one, other)
    ]
    assert triangles[0] == triangles[1]
