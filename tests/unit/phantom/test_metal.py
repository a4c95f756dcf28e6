from dataclasses import fields

import numpy as np
import pytest

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.metal import lay_metal
from sneakynet.phantom.person import Person
from sneakynet.phantom.tissue_settings import TissueSettings

_METAL = ("hip_stem_rate", "shoulder_stem_rate", "spine_screw_rate", "sternal_wire_rate", "filling_rate", "plate_rate")
_NONE = dict.fromkeys(_METAL, 0.0)


def _share(person: Person, grid: Grid, **rates: float) -> np.ndarray:
    settings = TissueSettings(**(_NONE | rates))
    return lay_metal(person.surfaces, grid=grid, settings=settings, rng=np.random.default_rng(0))


def test_the_rates_are_all_there() -> None:
    assert set(_METAL) < {field.name for field in fields(TissueSettings)}


def test_no_metal_without_its_rates(person: Person, body_grid: Grid) -> None:
    assert not _share(person, body_grid).any()


@pytest.mark.parametrize(
    ("rate", "bones"),
    [
        ("hip_stem_rate", ("femur", "hip")),
        ("shoulder_stem_rate", ("humerus", "scapula")),
        ("spine_screw_rate", ("vertebrae",)),
        ("sternal_wire_rate", ("sternum", "manubrium", "costal", "rib")),
        ("filling_rate", ("mandible", "skull")),
        ("plate_rate", ("clavicula", "humerus", "radius", "ulna", "femur")),
    ],
)
def test_metal_lies_at_its_bones(person: Person, body_grid: Grid, rate: str, bones: tuple[str, ...]) -> None:
    share = _share(person, body_grid, **{rate: 1.0})
    assert share.any()
    where = np.argwhere(share > 0) * body_grid.spacing + np.array(body_grid.origin)
    points = np.concatenate([s.vertices for name, s in person.surfaces.items() if name.startswith(bones)])
    low, high = points.min(0) - 30, points.max(0) + 30
    assert ((where > low) & (where < high)).all()


def test_a_wire_thinner_than_a_voxel_fills_part_of_it(person: Person, body_grid: Grid) -> None:
    assert 0 < _share(person, body_grid, sternal_wire_rate=1.0).max() < 60
    assert _share(person, body_grid, hip_stem_rate=1.0).max() > 200
