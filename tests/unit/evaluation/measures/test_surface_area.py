import numpy as np
import pytest

from sneakynet.evaluation.measures.surface_area import cell_areas, cell_codes, count_cells


def area(mask, affine):
    return float(count_cells(cell_codes(np.pad(mask, 1))) @ cell_areas(affine))


def ball(radius, spacing):
    axes = [np.arange(-int(radius / s) - 2, int(radius / s) + 3) * s for s in spacing]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return (x - 0.2) ** 2 + (y - 0.1) ** 2 + (z - 0.3) ** 2 <= radius**2


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.7, 0.7, 1.0), (0.8, 0.8, 3.0)])
def test_a_ball(spacing):
    found = area(ball(20, spacing), np.diag([*spacing, 1.0]))
    assert found == pytest.approx(4 * np.pi * 20**2, rel=0.01)


def test_a_ball_of_any_axes():
    """Flipped, permuted and oblique axes measure as straight ones."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.7, 0.7, 1.0])
    straight = area(ball(12, (0.7, 0.7, 1.0)), np.diag([0.7, 0.7, 1.0, 1.0]))
    assert area(ball(12, (0.7, 0.7, 1.0)), affine) == pytest.approx(straight, rel=1e-6)


def test_a_box():
    """Along the voxels' axes: flats 7 % too small, as 13 directions see them, and edges rounded."""
    mask = np.ones((40, 30, 20), dtype=bool)
    true = 2 * (40 * 30 + 40 * 20 + 30 * 20)
    assert -0.1 < area(mask, np.eye(4)) / true - 1 < -0.07


def test_boxes_that_lie_anyhow():
    """Over many directions the flats come out right, but for rounded edges."""
    rng = np.random.default_rng(0)
    edges, off = np.array([44.0, 32.0, 20.0]), []
    for _ in range(8):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        grid = np.stack(np.meshgrid(*[np.arange(-30, 31)] * 3, indexing="ij"), axis=-1) @ turn
        mask = (np.abs(grid) <= edges / 2).all(axis=-1)
        off.append(area(mask, np.eye(4)) / (2 * (44 * 32 + 44 * 20 + 32 * 20)) - 1)
    assert abs(np.mean(off)) < 0.03
    assert np.abs(off).max() < 0.06


def test_one_voxel():
    """Each of the 13 lines through it crosses its surface twice."""
    assert area(np.ones((1, 1, 1), dtype=bool), np.eye(4)) == pytest.approx(3.3, abs=0.6)


def test_full_and_empty_have_none():
    areas = cell_areas(np.eye(4))
    assert areas[0] == areas[255] == 0
    assert (areas[1:255] > 0).all()
    # What is bone and what is not may change places.
    np.testing.assert_allclose(areas, areas[::-1])
