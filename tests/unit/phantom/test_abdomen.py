import numpy as np
import pytest

from sneakynet.phantom.abdomen import lay_abdomen
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.chest import rib_cavity, trunk_patch
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Build, trunk_section
from sneakynet.phantom.person import Person
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.tissue_settings import TissueSettings


def _abdomen(person: Person, grid: Grid, *, fat: float = 15.0, **rates: float) -> tuple[np.ndarray, Landmarks]:
    build = Build(fat=fat, muscle=5.0, belly=10.0, neck=58.0, breast=0.0, scalp=6.0)
    marks = Landmarks(person.surfaces)
    canvas, tube, rng = Canvas(grid, marks.frame), trunk_section(marks, build), np.random.default_rng(0)
    cavity = rib_cavity(trunk_patch(canvas, marks, tube), marks, tube, rng)
    lay_abdomen(canvas, cavity, marks, tube=tube, build=build, settings=TissueSettings(**rates), rng=rng)
    return canvas.ids, marks


def _share(ids: np.ndarray, tissue: str) -> int:
    return int((ids == tissue_ids()[tissue]).sum())


def test_two_kidneys_lie_beside_the_spine(person: Person, body_grid: Grid) -> None:
    ids, marks = _abdomen(person, body_grid)
    at = np.argwhere(ids == tissue_ids()["kidney"]) * body_grid.spacing + np.array(body_grid.origin)
    x = marks.frame.inward(at)[:, 0] - marks.at("L1", (0.0, 0.0, 0.0))[0]
    assert (x > 25).mean() > 0.2  # sizes are drawn for each
    assert (x < -25).mean() > 0.2  # sizes are drawn for each


def test_the_fat_have_more_fat_between_less_bowel(person: Person, body_grid: Grid) -> None:
    lean, fat = (_abdomen(person, body_grid, fat=mm)[0] for mm in (5.0, 40.0))
    assert _share(fat, "visceral_fat") > _share(lean, "visceral_fat")
    assert _share(fat, "bowel") < _share(lean, "bowel")


@pytest.mark.parametrize(
    ("rate", "tissue"),
    [("contrast_rate", "bowel_contrast"), ("ascites_rate", "csf"), ("calcified_rate", "calcification")],
)
def test_a_rate_decides(person: Person, body_grid: Grid, rate: str, tissue: str) -> None:
    never, always = (_abdomen(person, body_grid, **{rate: share})[0] for share in (0.0, 1.0))
    assert _share(always, tissue) > _share(never, tissue)
