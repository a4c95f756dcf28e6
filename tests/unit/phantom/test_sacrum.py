import numpy as np
import pytest
from scipy.spatial import cKDTree

from sneakynet.phantom.sacrum import sacrum_and_coccyx
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.surface import Surface, joined
from sneakynet.phantom.vertebral_column import place_vertebrae

LEVELS = [f"C{n}" for n in range(2, 8)] + [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]


@pytest.fixture(scope="module")
def lumbar():
    z = np.linspace(520, 0, len(LEVELS))
    centres = {level: np.array([0.0, 0.0, z[n]]) for n, level in enumerate(LEVELS)}
    return place_vertebrae(centres, top=np.array([0.0, 0.0, 546.0]))[-1]


def _wedge(cuboid):
    """A block 96 x 50 x 120 mm below L5 that narrows downwards, with a neck near its tip."""
    block = cuboid(1.0, 1.0, 1.0)
    heights, halves = [0.0, 25.0, 32.0, 45.0, 120.0], [12.0, 12.0, 6.0, 16.0, 48.0]
    corners, faces = [], []
    for low, (z, half) in enumerate(zip(heights, halves, strict=True)):
        corners += [[-half, -45.0, z - 145], [half, -45.0, z - 145], [half, 5.0, z - 145], [-half, 5.0, z - 145]]
        if low:
            a, b = 4 * (low - 1), 4 * low
            for k in range(4):
                n = (k + 1) % 4
                faces += [[a + k, a + n, b + n], [a + k, b + n, b + k]]
    top = 4 * (len(heights) - 1)
    faces += [[0, 2, 1], [0, 3, 2], [top, top + 1, top + 2], [top, top + 2, top + 3]]
    assert block.n_open_edges == 0
    return Surface(np.array(corners), np.array(faces))


def test_a_solid_piece_becomes_sacrum_and_coccyx(cuboid, lumbar):
    def block(x):
        hip = cuboid(20.0, 60.0, 80.0)
        return hip.moved(hip.vertices + np.array([x - 10, -50.0, -110.0]))

    piece = _wedge(cuboid)
    assert piece.n_open_edges == 0
    far = joined([block(side) for side in (-200.0, 200.0)])
    sacrum, coccyx = sacrum_and_coccyx(piece, lumbar, hips=far)
    assert (sacrum.n_open_edges, coccyx.n_open_edges) == (0, 0)
    # Cut at the neck, 32 mm above the tip, with a gap; the piece is moved up by 5.5 mm.
    assert coccyx.vertices[:, 2].max() == pytest.approx(-107.5, abs=4)
    assert 1 < sacrum.vertices[:, 2].min() - coccyx.vertices[:, 2].max() < 3
    # The canal and the foramina take bone away; the joints with L5 stand above the top.
    assert sacrum.volume + coccyx.volume < 0.97 * piece.volume
    assert sacrum.vertices[:, 2].max() > piece.vertices[:, 2].max() + 3

    # Hip bones that reach into it take bone away.
    near = joined([block(side) for side in (-30.0, 30.0)])
    narrowed, _ = sacrum_and_coccyx(piece, lumbar, hips=near)
    assert narrowed.n_open_edges == 0
    assert narrowed.volume < 0.95 * sacrum.volume


def test_the_sacral_canal_continues_the_spine():
    at_rest = skeleton().posed({})
    sacrum, lumbar = at_rest["sacrum"], at_rest["vertebrae_L5"]
    middle = lumbar.vertices[:, 0].mean()
    top = sacrum.vertices[:, 2].max()
    near = (np.abs(sacrum.vertices[:, 0] - middle) < 4) & (sacrum.vertices[:, 2] > top - 45)
    back_to_front = np.sort(sacrum.vertices[near & (sacrum.vertices[:, 2] < top - 25), 1])
    assert np.diff(back_to_front).max() > 6  # a gap between the body and the back wall of the canal


def _slope(vertices):
    """Degrees by which the long axis of a bone leans back from top to tip, in the sagittal plane."""
    _, axes = np.linalg.eigh(np.cov(vertices[:, 1:].T))
    y, z = axes[:, 1]
    return np.rad2deg(np.arctan(y / z))


def test_the_sacrum_slopes_behind_l5():
    at_rest = skeleton().posed({})
    sacrum, coccyx, lumbar = (at_rest[name].vertices for name in ("sacrum", "coccyx", "vertebrae_L5"))
    assert 30 < _slope(sacrum) < 45
    # The body of L5 is ahead of the sacrum's middle, the coccyx behind it.
    assert lumbar[:, 1].max() - 17 - sacrum[:, 1].mean() > 28
    assert coccyx[:, 1].mean() < sacrum[:, 1].mean() - 10


def test_the_sacrum_meets_the_hip_bones():
    at_rest = skeleton().posed({})
    for side in ("left", "right"):
        gaps = cKDTree(at_rest[f"hip_{side}"].vertices).query(at_rest["sacrum"].vertices)[0]
        assert (gaps < 3.5).sum() > 150
