import numpy as np
import pytest

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.devices import lay_devices
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.patch import Patch
from sneakynet.phantom.person import Person
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.tissue_settings import TissueSettings


def _leads(person: Person, grid: Grid, **rates: float) -> int:
    settings = TissueSettings(**({"tube_rate": 0.0, "wire_rate": 0.0, "pacemaker_rate": 0.0} | rates))
    marks = Landmarks(person.surfaces)
    canvas = Canvas(grid, marks.frame)
    i, j, k = grid.shape
    region = Patch(grid, marks.frame, (slice(0, i), slice(0, j), slice(0, k)), 1)
    front = float(marks.points("sternum")[:, 1].max()) + 15
    skin = (region.nodes[1] - np.float32(front)).astype(np.float32)
    canvas.ids[skin < 0] = tissue_ids()["muscle"]
    lay_devices(canvas, marks, region, skin, settings=settings, rng=np.random.default_rng(0))
    return int((canvas.ids == tissue_ids()["lead"]).sum())


@pytest.mark.parametrize("rate", ["tube_rate", "wire_rate", "pacemaker_rate"])
def test_a_rate_decides(person: Person, body_grid: Grid, rate: str) -> None:
    assert _leads(person, body_grid) == 0
    assert _leads(person, body_grid, **{rate: 1.0}) > 0
