import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.inference.order.order import order_names

TABLE = BoneTable.default()


@pytest.mark.parametrize("bone", ["rib_left_11", "hip_left", "scapula_left", "femur_left"])
def test_a_bone_on_the_other_side_gets_its_partners_name(spine, bone):
    labels = spine("T9", "L3").labels
    labels.voxels[60:70, 40:50, 20:24] = TABLE[bone].id

    ordered, report = order_names(labels, table=TABLE)

    assert set(np.unique(ordered.voxels[60:70, 40:50, 20:24])) == {TABLE[bone.replace("left", "right")].id}
    assert [(one.before, one.after) for one in report.renamed] == [(bone, bone.replace("left", "right"))]


@pytest.mark.parametrize(
    ("bone", "i"), [("radius_left", 60), ("hip_left", 38), ("hip_left", 10), ("sternum", 60), ("skull", 60)]
)
def test_arms_bones_across_the_middle_and_bones_without_a_side_stay(spine, bone, i):
    labels = spine("T9", "L3").labels
    labels.voxels[i : i + 10, 45:55, 20:24] = TABLE[bone].id

    assert order_names(labels, table=TABLE)[0] is labels
