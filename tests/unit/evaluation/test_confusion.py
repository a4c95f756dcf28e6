"""Where voxels went, on numbers that can be checked by hand."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.confusion import Kinds, identified, named_as, share, shifted_by

NAN = np.nan
TABLE = BoneTable(
    (
        Bone(1, "rib_left_1", side="left", mirror="rib_right_1", group="ribs", series="left", index=1),
        Bone(2, "rib_left_2", side="left", mirror="rib_right_2", group="ribs", series="left", index=2),
        Bone(3, "rib_left_3", side="left", mirror="rib_right_3", group="ribs", series="left", index=3),
        Bone(4, "rib_right_1", side="right", mirror="rib_left_1", group="ribs", series="right", index=1),
        Bone(5, "rib_right_2", side="right", mirror="rib_left_2", group="ribs", series="right", index=2),
        Bone(6, "rib_right_3", side="right", mirror="rib_left_3", group="ribs", series="right", index=3),
        Bone(7, "femur", group="leg"),
        Bone(8, "sternum", group="sternum"),
    )
)
KINDS = Kinds(TABLE)
COUNTS = np.zeros((9, 9), dtype=np.int64)
#                 -  l1 l2 l3 r1 r2 r3 f  s
COUNTS[1] = np.array([2, 5, 0, 0, 3, 0, 0, 0, 0])  # 3 of 10 voxels to the partner
COUNTS[2] = np.array([0, 1, 2, 4, 0, 0, 3, 0, 0])  # 5 of 10 to neighbours; 3 to the other side's next, which is neither
COUNTS[3] = np.array([0, 6, 0, 2, 0, 0, 0, 1, 1])  # 6 of 10 two steps off; femur is far, the sternum adjoins
COUNTS[7] = np.array([4, 0, 0, 0, 0, 4, 0, 2, 0])


def test_share_given_to_the_mirror_partner():
    assert share(COUNTS, KINDS.mirrored) == pytest.approx([NAN, 0.3, 0, 0, NAN, NAN, NAN, NAN, NAN], nan_ok=True)


def test_share_given_to_the_neighbours_and_its_steps():
    assert share(COUNTS, KINDS.shifted) == pytest.approx([NAN, 0, 0.5, 0.6, NAN, NAN, NAN, NAN, NAN], nan_ok=True)
    by_step = shifted_by(COUNTS, KINDS)
    assert list(by_step) == [1, 2]
    assert by_step[1] == pytest.approx([NAN, 0, 0.5, 0, NAN, NAN, NAN, NAN, NAN], nan_ok=True)
    assert by_step[2] == pytest.approx([NAN, 0, 0, 0.6, NAN, NAN, NAN, NAN, NAN], nan_ok=True)


def test_share_given_to_groups_that_do_not_adjoin():
    assert share(COUNTS, KINDS.far) == pytest.approx([NAN, 0, 0, 0.1, NAN, NAN, NAN, 0.4, NAN], nan_ok=True)


def test_names():
    assert identified(COUNTS).tolist() == [False] * 9  # 5 of 10 are not more than half
    assert named_as(COUNTS)[[1, 2, 3, 7]].tolist() == [1, 3, 1, 0]


@pytest.mark.parametrize(("one", "other"), [("mirrored", "shifted"), ("mirrored", "far"), ("shifted", "far")])
def test_no_voxel_is_confused_in_two_ways(one, other):
    kinds = Kinds(BoneTable.default())
    assert not (getattr(kinds, one) & getattr(kinds, other)).any()
    assert not getattr(kinds, one)[0].any()
    assert not getattr(kinds, one)[:, 0].any()
    assert not getattr(kinds, one).diagonal().any()


def test_the_spine_is_one_series_and_joints_are_near():
    table, kinds = BoneTable.default(), Kinds(BoneTable.default())
    at = {name: table[name].id for name in table.names}
    assert kinds.steps[at["vertebrae_T12"], at["vertebrae_L1"]] == 1
    assert kinds.far[at["humerus_left"], at["femur_left"]]
    assert not kinds.far[at["vertebrae_L5"], at["sacrum"]]
    assert not kinds.far[at["scaphoid_left"], at["lunate_left"]]
    assert kinds.mirrored[at["hip_left"], at["hip_right"]]


def test_groups_that_adjoin_are_of_the_table():
    from sneakynet.anatomy.adjoining import adjoining_groups

    groups = {bone.group for bone in BoneTable.default()}
    assert set().union(*adjoining_groups()) == groups
