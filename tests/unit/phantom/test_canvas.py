import numpy as np
import pytest

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.patch import Frame
from sneakynet.phantom.tissue_ids import tissue_ids

_IDS = tissue_ids()
_SLANTED = np.linalg.qr(np.array([[1.0, 0.2, 0.1], [0.1, 1, 0.3], [0, 0.2, 1]]))[0]


@pytest.fixture
def canvas() -> Canvas:
    return Canvas(Grid((-60.0, -60.0, -60.0), (60, 60, 60), 2.0), Frame(np.array([3.0, -2.0, 1.0]), _SLANTED))


def _volume(canvas: Canvas, tissue: str) -> float:
    return float((canvas.ids == _IDS[tissue]).sum() * canvas.grid.spacing**3)


def test_a_rod_has_the_volume_of_a_capsule(canvas: Canvas) -> None:
    canvas.rod("artery", [np.array([-20.0, 0, 0]), np.array([20.0, 5, 0])], (8.0, 8.0))
    assert _volume(canvas, "artery") == pytest.approx(np.pi * 64 * np.hypot(40, 5) + 4 / 3 * np.pi * 512, rel=0.03)


def test_a_ball_has_the_volume_of_an_ellipsoid(canvas: Canvas) -> None:
    canvas.ball("kidney", np.array([2.0, 3.0, 4.0]), (15.0, 20.0, 30.0))
    assert _volume(canvas, "kidney") == pytest.approx(4 / 3 * np.pi * 15 * 20 * 30, rel=0.06)


def test_a_stroke_stays_on_what_it_is_laid_over(canvas: Canvas) -> None:
    canvas.ball("liver", np.zeros(3), (20.0, 20.0, 20.0))
    canvas.rod("vein", [np.array([-50.0, 0, 0]), np.array([50.0, 0, 0])], (6.0, 6.0), over=("liver",))
    assert 0 < _volume(canvas, "vein") < np.pi * 36 * 42


def test_strokes_outside_leave_the_grid_alone(canvas: Canvas) -> None:
    canvas.ball("liver", np.array([500.0, 0, 0]), (20.0, 20.0, 20.0))
    canvas.rod("vein", [np.array([500.0, 0, 0]), np.array([550.0, 0, 0])], (6.0, 6.0))
    assert not canvas.ids.any()


@pytest.mark.parametrize("off", [0.0, 0.5, 1.0])
def test_a_wire_never_falls_between_voxels(canvas: Canvas, off: float) -> None:
    ends = canvas.frame.inward(np.array([[-41.0, off, off], [41.0, off, off]]))
    canvas.wire("lead", [ends[0], ends[1]], 0.1)
    assert (canvas.ids == _IDS["lead"]).any(axis=(1, 2)).sum() >= 40


def test_a_small_ball_is_seen(canvas: Canvas) -> None:
    canvas.ball("calcification", canvas.frame.inward(np.zeros((1, 3)))[0], (1.2, 1.2, 1.2))
    assert (canvas.ids == _IDS["calcification"]).sum() == 1
