import numpy as np
import pytest

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.patch import Frame, Patch, patch, world_patch

_UPRIGHT = Frame(np.zeros(3), np.eye(3))
_TURNED = Frame(np.array([5.0, -3.0, 2.0]), np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))
_GRID = Grid((-20.0, -10.0, 0.0), (23, 17, 12), 2.0)


def _whole(frame: Frame, step: int = 3) -> Patch:
    return Patch(_GRID, frame, (slice(0, 23), slice(0, 17), slice(0, 12)), step)


def test_a_frame_goes_there_and_back() -> None:
    points = np.random.default_rng(0).normal(0, 30, (10, 3))
    np.testing.assert_allclose(_TURNED.outward(_TURNED.inward(points)), points, atol=1e-9)


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_linear_fields_are_interpolated_exactly(step: int) -> None:
    region = _whole(_TURNED, step)
    x, y, z = region.nodes
    fx, fy, fz = region.voxels
    np.testing.assert_allclose(region.fine(2 * x - y + 0.5 * z), 2 * fx - fy + 0.5 * fz, atol=1e-3)


def test_positions_are_in_the_bodys_frame() -> None:
    x, y, z = _whole(_TURNED).voxels
    np.testing.assert_allclose(
        [x[4, 7, 2], y[4, 7, 2], z[4, 7, 2]], _TURNED.inward(np.array([-12.0, 4.0, 4.0])), atol=1e-5
    )


def test_a_patch_covers_its_corners_and_stays_in_the_grid() -> None:
    region = patch(_GRID, _UPRIGHT, [-10.0, -500.0, 3.0], [4.0, -4.0, 500.0])
    assert region.box == (slice(5, 13), slice(0, 4), slice(1, 12))


def test_a_patch_beside_the_grid_is_empty() -> None:
    assert world_patch(_GRID, _UPRIGHT, np.full(3, 900.0), np.full(3, 910.0)).empty
    assert not _whole(_UPRIGHT).empty


def test_a_cut_keeps_the_wanted_nodes_and_their_values() -> None:
    region = _whole(_UPRIGHT)
    field = region.nodes[0]
    part, (values,) = region.cut((field > -15) & (region.nodes[2] < 13), field)
    np.testing.assert_allclose(values, part.nodes[0])
    assert values.min() > -15
    np.testing.assert_allclose(part.fine(values), part.voxels[0], atol=1e-4)


def test_noise_has_about_unit_deviation_and_its_scale() -> None:
    grid = Grid((0.0, 0.0, 0.0), (80, 80, 80), 2.0)
    region = Patch(grid, _UPRIGHT, (slice(0, 80), slice(0, 80), slice(0, 80)), 2)
    coarse = region.noise(np.random.default_rng(0), 20.0)
    assert coarse.std() == pytest.approx(1, abs=0.15)
    neighbours = np.corrcoef(coarse[1:].ravel(), coarse[:-1].ravel())[0, 1]
    assert neighbours > 0.9
