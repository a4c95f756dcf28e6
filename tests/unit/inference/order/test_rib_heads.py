import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.spine import spine_levels
from sneakynet.geometry.components import find_components
from sneakynet.inference.order.column import straighten
from sneakynet.inference.order.rib_heads import find_rib_heads

TABLE = BoneTable.default()
STATES = np.array([*(TABLE[level.name].id for level in spine_levels()), TABLE["sacrum"].id])
RIBS = {b.id: (b.side, b.index) for b in TABLE if b.series in ("rib_left", "rib_right")}
MM = (3.0, 3.0, 3.0)


def heads(voxels):
    column = straighten(voxels, MM, STATES)
    return find_rib_heads(find_components(voxels), np.isin(voxels, STATES[:-1]), column, spacing=MM, ribs=RIBS)


def test_every_rib_is_met_at_its_station_and_the_last_pair_is_told(spine):
    built = spine("T10", "L3")

    met = heads(built.labels.voxels)

    assert [(m.side, m.head.index) for m in sorted(met, key=lambda m: (m.head.index, m.side))] == [
        (side, index) for index in (10, 11, 12) for side in ("left", "right")
    ]
    assert all(m.head.last == (m.head.index == 12) for m in met)
    for rib in met:
        top = built.planes - built.body[f"vertebrae_T{rib.head.index}"].stop - 1
        assert abs(rib.head.station - top - 3) <= 1


def test_the_last_rib_is_not_told_where_the_scan_ends_below_it(spine):
    assert not any(m.head.last for m in heads(spine("T9", "T12").labels.voxels))


def test_specks_and_ribs_that_reach_no_vertebra_are_not_met(spine):
    voxels = spine("T10", "L3", ribs=False).labels.voxels
    voxels[46:48, 34:36, 60:62] = TABLE["rib_right_10"].id
    voxels[60:79, 30:35, 60:64] = TABLE["rib_right_11"].id

    assert heads(voxels) == []
