import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.spine import spine_levels
from sneakynet.geometry.components import find_components
from sneakynet.inference.order.rib_heads import MetRib
from sneakynet.inference.order.rib_names import rename_ribs
from sneakynet.inference.order.sequence import RibHead
from sneakynet.inference.order.vertebra import Vertebra

TABLE = BoneTable.default()
RIBS = {b.id: (b.side, b.index) for b in TABLE if b.series in ("rib_left", "rib_right")}
T12 = [level.name for level in spine_levels()].index("vertebrae_T12")


def renamed(index, vertebra, *, station=1):
    voxels = np.zeros((9, 9, 9), dtype=np.uint8)
    voxels[:3] = TABLE[f"rib_left_{index}"].id
    met = [MetRib(0, "left", RibHead(station, index))]
    new = rename_ribs(find_components(voxels), met, [vertebra], ribs=RIBS)
    return {TABLE.by_id(label).name for label in new.values()}


def test_a_rib_is_named_after_the_renamed_vertebra_that_it_meets():
    assert renamed(11, Vertebra(T12, 0, 10, frozenset({T12 - 1}))) == {"rib_left_12"}


def test_of_two_ribs_that_it_may_be_it_is_the_one_it_is_called():
    at_the_disc = Vertebra(T12 - 1, 0, 10, frozenset({T12 - 2}))

    assert renamed(12, at_the_disc, station=7) == set()
    assert renamed(10, at_the_disc, station=7) == {"rib_left_11"}


def test_a_rib_keeps_its_name_where_its_vertebra_does_or_is_in_doubt_or_bears_none():
    assert renamed(11, Vertebra(T12, 0, 10, frozenset({T12}))) == set()
    assert renamed(11, Vertebra(T12, 0, 10, frozenset({T12 - 1}), sure=False)) == set()
    assert renamed(11, Vertebra(T12 + 2, 0, 10, frozenset({T12 + 1}))) == set()
    assert renamed(11, Vertebra(T12, 0, 10, frozenset({T12 - 1})), station=50) == set()
