from dataclasses import replace

import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.measures.bone_measures import measure_bones
from sneakynet.viewer.scan_report.bone_table import GROUP_NAMES, bone_columns, bone_groups, remarks

TABLE = BoneTable.default()


@pytest.fixture
def bones(trunk):
    return measure_bones(trunk.labels, trunk.scan, table=TABLE)


def test_columns_that_say_something(trunk, bones):
    alone = measure_bones(trunk.labels, None, table=TABLE)
    assert [column.heading for column in bone_columns(alone)] == ["Volume", "Surface", "Length", "Remarks"]
    sure = [replace(bone, confidence_percent=90.0) for bone in bones]
    assert [column.heading for column in bone_columns(sure)][3:] == [
        "Median",
        "5 to 95 %",
        "Trabecular",
        "Cortex",
        "Share",
        "Confidence",
        "Remarks",
    ]


def test_a_row(bones):
    texts = [column.text(bones[-1]) for column in bone_columns(bones)]
    # 6 x 6 x 18 voxels of 0.064 ml.
    assert (texts[0], texts[2], texts[3], texts[4]) == ("41.5", "72", "300", "300 … 300")
    assert texts[-1] == "cut (inferior)"


def test_groups_in_the_order_of_the_table(bones):
    assert list(bone_groups(bones)) == ["Lumbar spine", "Sacrum and coccyx", "Pelvis", "Legs"]
    assert list(bone_groups([replace(bones[0], group="fins"), replace(bones[1], group="")])) == ["fins", "Bones"]
    assert {bone.group for bone in TABLE} == set(GROUP_NAMES)


def test_remarks(bones):
    assert remarks(replace(bones[0], l1_band_hu="<=135", cut_faces=("left",))) == "cut (left); L1 ≤ 135 HU"
    assert remarks(bones[0]) == ""
