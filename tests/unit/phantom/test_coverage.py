"""How much of a voxel a surface fills, against volumes known by hand."""

import numpy as np
import pytest

from sneakynet.phantom.coverage import coverage, inset
from sneakynet.phantom.surface import Surface

# Faces of a box whose corners are numbered 4 x + 2 y + z, counterclockwise from outside.
BOX_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip


def box(low, high):
    corners = [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    return Surface(np.array(corners, dtype=float), BOX_FACES)


def filled(surface, *, shape=(8, 8, 8), columns=4):
    return coverage(surface, origin=np.zeros(3), spacing=1.0, shape=shape, columns=columns)


def test_whole_voxels_are_whole():
    share = filled(box((1.5, 1.5, 1.5), (4.5, 3.5, 5.5)))
    assert share[2:5, 2:4, 2:6].tolist() == np.ones((3, 2, 4)).tolist()
    assert share.sum() == pytest.approx(24)


def test_shares_along_z_are_exact():
    share = filled(box((0.5, 0.5, 1.8), (2.5, 2.5, 3.9)))
    assert share[1, 1].tolist() == pytest.approx([0, 0, 0.7, 1, 0.4, 0, 0, 0])


def test_what_reaches_beyond_the_grid_is_cut_off():
    share = filled(box((-20.0, -20.0, -20.0), (20.0, 20.0, 2.5)))
    assert share[:, :, :3].min() == 1
    assert share[:, :, 3:].max() == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_turned_box_keeps_its_volume(seed):
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    surface = box((-2.0, -1.5, -1.0), (2.0, 1.5, 1.0))
    moved = surface.moved(surface.vertices @ turn.T + 6 + random.uniform(-0.5, 0.5, 3)).outward
    assert filled(moved, shape=(13, 13, 13)).sum() == pytest.approx(24, rel=0.02)


def test_inset_of_a_ball_and_of_something_too_thin():
    angle = np.pi * (3 - 5**0.5) * np.arange(2000)
    z = np.linspace(-1, 1, 2000)
    points = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1) * 6 + 8
    from scipy.spatial import ConvexHull

    faces = ConvexHull(points).simplices
    normal = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    inward = (normal * (points[faces].mean(1) - 8)).sum(1) < 0
    faces[inward] = faces[inward, ::-1]
    ball = Surface(points, faces.astype(np.int64))
    core = filled(inset(ball, 2.0), shape=(17, 17, 17)).sum()
    assert core == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.03)
    plate = box((1.0, 1.0, 3.0), (7.0, 7.0, 4.0))
    assert filled(inset(plate, 2.0)).sum() == pytest.approx(0, abs=0.5)
