import numpy as np

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.person import Person
from sneakynet.phantom.table import lay_table, table_height
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.tissue_settings import TissueSettings

_TABLE = [tissue_ids()["table_shell"], tissue_ids()["table_core"]]


def _table(person: Person, grid: Grid, rate: float, *, under: str = "air", seed: int = 0) -> np.ndarray:
    marks = Landmarks(person.surfaces)
    canvas = Canvas(grid, marks.frame)
    canvas.ids[...] = tissue_ids()[under]
    settings = TissueSettings(table_rate=rate, head_rest_rate=0.0, rail_rate=1.0)
    lay_table(canvas, marks, top=table_height(marks, 15.0), settings=settings, rng=np.random.default_rng(seed))
    return canvas.ids


def test_the_table_lies_behind_the_back(person: Person, body_grid: Grid) -> None:
    marks = Landmarks(person.surfaces)
    for seed in range(5):
        shell = np.isin(_table(person, body_grid, 1.0, seed=seed), _TABLE)
        assert shell.any()
        # Where it is nearest: a curved table rises beside the person. It may be tilted along the body.
        middle = int((marks.frame.centre[0] - body_grid.origin[0]) / body_grid.spacing)
        i, j = np.nonzero(shell[middle].T)
        z, y = (n * body_grid.spacing + body_grid.origin[d] for d, n in ((2, i), (1, j)))
        assert (y < table_height(marks, 15.0).front(z) + body_grid.spacing).all()


def test_chest_and_pelvis_rest_on_the_table(person: Person) -> None:
    marks = Landmarks(person.surfaces)
    table = table_height(marks, 15.0)
    for names in (("rib", "scapula", "vertebrae_T"), ("sacrum", "coccyx", "hip")):
        points = marks.frame.outward(marks.points(*names))
        gap = (points[:, 1] - table.front(points[:, 2])).min()
        assert 5 < gap < 75


def test_no_table_without_its_rate_and_none_over_flesh(person: Person, body_grid: Grid) -> None:
    assert not _table(person, body_grid, 0.0).any()
    assert (_table(person, body_grid, 1.0, under="muscle") == tissue_ids()["muscle"]).all()
