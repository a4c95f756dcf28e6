import numpy as np

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.chest import lay_chest, rib_cavity, trunk_patch
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Build, trunk_section
from sneakynet.phantom.person import Person
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.tissue_settings import TissueSettings

_BUILD = Build(fat=15.0, muscle=5.0, belly=10.0, neck=58.0, breast=0.0, scalp=6.0)


def _chest(person: Person, grid: Grid, seed: int = 0, **rates: float) -> tuple[np.ndarray, Landmarks]:
    marks = Landmarks(person.surfaces)
    canvas, tube, rng = Canvas(grid, marks.frame), trunk_section(marks, _BUILD), np.random.default_rng(seed)
    cavity = rib_cavity(trunk_patch(canvas, marks, tube), marks, tube, rng)
    lay_chest(canvas, cavity, marks, TissueSettings(**rates), rng)
    return canvas.ids, marks


def test_lungs_lie_inside_the_ribs_and_on_both_sides(person: Person, body_grid: Grid) -> None:
    ids, marks = _chest(person, body_grid)
    where = np.argwhere(ids == tissue_ids()["lung"]) * body_grid.spacing + np.array(body_grid.origin)
    inside = marks.frame.inward(where)
    ribs = marks.points("rib", "sternum", "manubrium", "costal")
    assert (inside > ribs.min(0) - 4).all()
    assert (inside < ribs.max(0) + 10).all()
    right = (inside[:, 0] > np.median(ribs[:, 0])).mean()
    assert 0.4 < right < 0.7  # the right lung is the larger, the heart lies left


def test_effusion_and_consolidation_take_lung_away(person: Person, body_grid: Grid) -> None:
    lung = tissue_ids()["lung"]
    healthy, _ = _chest(person, body_grid, effusion_rate=0.0, opacity_rate=0.0)
    ill, _ = _chest(person, body_grid, effusion_rate=1.0, opacity_rate=1.0)
    assert (ill == tissue_ids()["csf"]).sum() > (healthy == tissue_ids()["csf"]).sum()
    assert (ill == lung).sum() < (healthy == lung).sum()


def test_lungs_end_beside_the_last_thoracic_or_the_first_lumbar_vertebra(person: Person, body_grid: Grid) -> None:
    """Two real scans at hand: 7 mm below and 16 mm above the middle of T12, 85 and 150 cm^2 in a slice 27 mm higher."""
    ends, areas = [], []
    for seed in range(12):
        ids, marks = _chest(person, body_grid, seed, effusion_rate=0.0, opacity_rate=0.0)
        where = np.argwhere(ids == tissue_ids()["lung"]) * body_grid.spacing + np.array(body_grid.origin)
        heights = np.sort(marks.frame.inward(where)[:, 2])
        ends.append(heights[round(200 / body_grid.spacing**3 * 10)] - marks.level("T12"))  # the first 2 ml
        slab = (heights > heights[0] + 24) & (heights < heights[0] + 48)
        areas.append(slab.sum() * body_grid.spacing**3 / 24 / 100)
    assert -60 < min(ends) < -5
    assert 5 < max(ends) < 45
    assert abs(np.median(ends)) < 20
    assert 40 < np.median(areas) < 200
