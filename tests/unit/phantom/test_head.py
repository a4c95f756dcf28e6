import numpy as np

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.head import lay_head
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.person import Person
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.tissue_settings import TissueSettings


def test_brain_airway_and_thyroid_lie_where_they_should(person: Person) -> None:
    marks = Landmarks(person.surfaces)
    skull = marks.frame.outward(marks.points("skull"))
    low = skull.min(0) - np.array([30.0, 30.0, 160.0])
    size = np.ceil((skull.max(0) + 30 - low) / 4).astype(int)
    grid = Grid((float(low[0]), float(low[1]), float(low[2])), (int(size[0]), int(size[1]), int(size[2])), 4.0)
    canvas = Canvas(grid, marks.frame)
    canvas.ids[...] = tissue_ids()["muscle"]
    lay_head(canvas, marks, TissueSettings(), np.random.default_rng(0))

    def at(tissue: str) -> np.ndarray:
        return marks.frame.inward(np.argwhere(canvas.ids == tissue_ids()[tissue]) * 4.0 + low)

    points = marks.points("skull")
    brain = at("brain")
    assert (brain > points.min(0) - 6).all()
    assert (brain < points.max(0) + 6).all()
    assert 0.6e6 < len(brain) * 64 < 2.2e6  # mm^3
    _, y = marks.spine(at("airway")[:, 2])
    assert (at("airway")[:, 1] > y).mean() > 0.95  # before the spine
    assert at("thyroid")[:, 2].mean() < marks.level("C4")
    assert abs((at("thyroid")[:, 0] - marks.at("C7", (0.0, 0.0, 0.0))[0]).mean()) < 8
