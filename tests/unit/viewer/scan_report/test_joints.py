import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.viewer.scan_report.joints import KINDS, find_joints
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


def two(gap, names=("hip_left", "femur_left"), *, affine=None):
    labels = np.zeros((20, 10, 10), dtype=np.uint8)
    labels[2:6, 2:8, 2:8] = TABLE[names[0]].id
    labels[6 + gap : 12, 2:8, 2:8] = TABLE[names[1]].id
    return find_joints(Volume(labels, np.diag([4.0, 4.0, 4.0, 1.0]) if affine is None else affine), table=TABLE)


def test_where_two_bones_meet():
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = 100, 200, 300
    (joint,) = two(0, affine=affine)
    assert (joint.name, joint.bones, joint.gap_mm) == ("Left hip", ("hip_left", "femur_left"), 4)
    # Between indices 5 and 6 along i, in the middle (4.5) of the others.
    np.testing.assert_allclose(joint.centre_mm, [100 + 4 * 5.5, 200 + 4 * 4.5, 300 + 4 * 4.5])


@pytest.mark.parametrize(("gap", "found"), [(2, 1), (4, 0)])
def test_bones_that_are_apart_do_not_meet(gap, found):
    """2 voxels between are 12 mm from centre to centre, 4 are 20."""
    assert len(two(gap)) == found


def test_other_bones_are_no_joint():
    assert two(0, ("hip_left", "femur_right")) == ()
    assert find_joints(Volume(np.zeros((4, 4, 4), dtype=np.uint8), np.eye(4)), table=TABLE) == ()


def test_joints_of_the_trunk(trunk):
    joints = find_joints(trunk.labels, table=TABLE)
    assert [joint.name for joint in joints] == ["Lumbosacral", "Right sacroiliac", "Left sacroiliac", "Right hip"]


def test_every_bone_is_in_the_table():
    for kind in KINDS:
        for side in ("left", "right"):
            assert kind.first.format(side=side) in TABLE
            assert kind.second.format(side=side) in TABLE


def test_a_table_without_limbs(trunk):
    spine = BoneTable(TABLE.bones[:28])
    voxels = np.where(trunk.labels.voxels <= 28, trunk.labels.voxels, 0)
    assert [joint.name for joint in find_joints(Volume(voxels, np.eye(4)), table=spine)] == ["Lumbosacral"]
