import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.surroundings import NOTHING, surround
from sneakynet.phantom.tissue_ids import tissue_ids

TABLE = BoneTable.default()
IDS = tissue_ids()
GRID = Grid((-200.0, -150.0, 0.0), (100, 80, 90), 4.0)


def column(first, last):
    """Vertebrae 36 mm apart around x = 0, y = -70 mm, upwards from the last."""
    bones = np.zeros(GRID.shape, np.uint8)
    for n, level in enumerate(range(last, first - 1, -1)):
        bone = next(b for b in TABLE if b.series == "vertebra" and b.index == level)
        bones[44:57, 12:28, 4 + 9 * n : 11 + 9 * n] = bone.id
    return bones


def filled(bones, given=None, seed=0):
    given = np.full(GRID.shape, NOTHING, np.uint8) if given is None else given
    near = distance_transform_edt((bones == 0) & (given == NOTHING), sampling=4.0).astype(np.float32)
    return surround(
        given,
        bones,
        near=near,
        muscled=False,
        outline=None,
        grid=GRID,
        table=TABLE,
        fat_mm=15.0,
        rng=np.random.default_rng(seed),
    )


def share(tissues, *names):
    return float(np.isin(tissues, [IDS[name] for name in names]).mean())


@pytest.fixture(scope="module")
def chest():
    return filled(column(9, 17))


@pytest.fixture(scope="module")
def loins():
    return filled(column(18, 24))


def test_a_chest_has_lungs_and_a_belly_has_bowels(chest, loins):
    assert share(chest, "lung") > max(0.08, 2 * share(loins, "lung"))
    assert share(loins[:, :, : loins.shape[2] * 2 // 5], "lung") == 0
    assert share(loins, "bowel", "bowel_contrast", "gas") > share(chest, "bowel", "bowel_contrast", "gas")
    assert share(loins, "liver", "kidney") > 0
    for tissues in (chest, loins):
        assert share(tissues, "spinal_canal") > 0
        assert share(tissues, "fat") > 0.03
        assert share(tissues, "muscle") > 0.05
        assert share(tissues, "skin") > 0


def test_skin_lies_outside_of_fat_and_muscle_inside(loins):
    # Along a ray to the right, at the height and depth of the column.
    ray = loins[50:, 30, 40]
    order = [int(np.flatnonzero(ray == IDS[name])[-1]) for name in ("muscle", "fat", "skin")]
    assert order == sorted(order)
    assert ray[-1] == IDS["air"]


def test_what_the_map_shows_stays():
    given = np.full(GRID.shape, NOTHING, np.uint8)
    given[60:75, 40:50, 30:50] = IDS["liver"]
    tissues = filled(column(18, 24), given)
    assert (tissues[60:75, 40:50, 30:50] == IDS["liver"]).all()
    assert share(tissues, "liver") == pytest.approx(15 * 10 * 20 / tissues.size)


def test_a_bowel_shown_as_one_gets_contents():
    given = np.full(GRID.shape, NOTHING, np.uint8)
    given[25:75, 40:60, 20:60] = IDS["bowel"]
    inside = filled(column(18, 24), given)[25:75, 40:60, 20:60]
    assert set(np.unique(inside)) <= {IDS["bowel"], IDS["gas"], IDS["bowel_contrast"]}
    assert (inside == IDS["gas"]).any()
    assert (inside[0] == IDS["bowel"]).all()  # its wall


def test_every_tissue_has_an_id(chest, loins):
    assert set(np.unique(np.stack([chest, loins]))) <= set(IDS.values())
