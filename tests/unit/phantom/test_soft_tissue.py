import numpy as np
import pytest
from jaxtyping import UInt8

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.person import Person
from sneakynet.phantom.soft_tissue import TissueSettings, lay_tissue
from sneakynet.phantom.tissue_ids import tissue_ids

_IDS = tissue_ids()
_AROUND = [_IDS[name] for name in ("air", "table_shell", "table_core", "blanket")]


@pytest.fixture(scope="module")
def tissues(person: Person, body_grid: Grid) -> UInt8[np.ndarray, "i j k"]:
    return _laid(person, body_grid)


def _laid(person: Person, grid: Grid, seed: int = 0, settings: TissueSettings | None = None) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return lay_tissue(person.surfaces, grid=grid, settings=settings or TissueSettings(), rng=rng)


def _litres(tissues: np.ndarray, tissue: str) -> float:
    return float((tissues == _IDS[tissue]).sum()) * 8**3 / 1e6


def _centre(tissues: np.ndarray, tissue: str, person: Person, grid: Grid) -> np.ndarray:
    where = np.argwhere(tissues == _IDS[tissue]).mean(0) * grid.spacing + np.array(grid.origin)
    return Landmarks(person.surfaces).frame.inward(where[None])[0]


def test_a_seed_gives_one_body(tissues: np.ndarray, person: Person, body_grid: Grid) -> None:
    np.testing.assert_array_equal(_laid(person, body_grid), tissues)
    assert (_laid(person, body_grid, seed=1) != tissues).mean() > 0.02


def test_every_bone_lies_in_flesh(tissues: np.ndarray, person: Person, body_grid: Grid) -> None:
    for name, surface in person.surfaces.items():
        at = np.round((surface.vertices - np.array(body_grid.origin)) / body_grid.spacing).astype(int)
        at = at[((at >= 0) & (at < np.array(body_grid.shape))).all(1)]
        bare = np.isin(tissues[tuple(at.T)], _AROUND).mean() if len(at) else 0.0
        assert bare < 0.3, f"{bare:.0%} of {name} lies bare"  # 8 mm voxels at fingers' skin


@pytest.mark.parametrize(
    ("tissue", "least", "most"),
    [
        ("lung", 1.0, 7.5),  # supine, from breathed out to full
        ("liver", 0.5, 2.6),
        ("spleen", 0.04, 0.5),
        ("kidney", 0.1, 0.6),
        ("heart", 0.06, 1.0),  # its walls: what is in its chambers is blood
        ("brain", 0.6, 2.0),
        ("disc", 0.05, 0.6),
        ("fat", 2.0, 70.0),
        ("muscle", 12.0, 60.0),
    ],
)
def test_organs_have_adult_volumes(tissues: np.ndarray, tissue: str, least: float, most: float) -> None:
    assert least < _litres(tissues, tissue) < most


def test_sides_are_anatomical(tissues: np.ndarray, person: Person, body_grid: Grid) -> None:
    at = {name: _centre(tissues, name, person, body_grid) for name in ("liver", "spleen", "stomach", "heart", "lung")}
    assert at["liver"][0] > 20  # right is positive
    assert at["spleen"][0] < -40
    assert at["stomach"][0] < 0
    assert at["heart"][0] < at["lung"][0]
    assert at["heart"][2] > at["liver"][2]


def test_a_hand_alone_is_flesh_in_air(person: Person) -> None:
    points = np.concatenate([s.vertices for n, s in person.surfaces.items() if n.startswith("metacarpal_left")])
    low = points.min(0) - 40
    grid = Grid((float(low[0]), float(low[1]), float(low[2])), (40, 40, 40), 4.0)
    tissues = _laid(person, grid, settings=TissueSettings(blanket_rate=0.0, wire_rate=0.0))
    assert 0.02 < (~np.isin(tissues, _AROUND)).mean() < 0.95
    assert not np.isin(tissues, [_IDS["liver"], _IDS["brain"]]).any()


def test_a_grid_far_away_holds_air(person: Person) -> None:
    assert not _laid(person, Grid((5000.0, 5000.0, 5000.0), (9, 8, 7), 3.0)).any()
