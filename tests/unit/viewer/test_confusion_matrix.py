"""The confusion matrix of the report page."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.confusion import Kinds
from sneakynet.viewer.confusion_matrix import Cell, cells, kind_of, matrix_data, matrix_order

TABLE = BoneTable(
    (
        Bone(1, "rib_left_1", side="left", mirror="rib_right_1", group="ribs", series="rib_left", index=1),
        Bone(2, "hip", group="pelvis"),
        Bone(3, "rib_left_2", side="left", group="ribs", series="rib_left", index=2),
        Bone(4, "rib_right_1", side="right", mirror="rib_left_1", group="ribs", series="rib_right", index=1),
        Bone(5, "tail", group="pelvis"),
    )
)


@pytest.mark.parametrize(
    ("reference", "prediction", "kind"),
    [
        (1, 1, "correct"),
        (1, 0, "missed"),
        (0, 1, "invented"),
        (1, 4, "side"),
        (4, 1, "side"),
        (1, 3, "neighbour"),
        (3, 4, "group"),
        (2, 5, "group"),
        (1, 2, "far"),
    ],
)
def test_kinds(reference, prediction, kind):
    assert kind_of(reference, prediction, Kinds(TABLE)) == kind


@pytest.fixture
def counts():
    counts = np.zeros((6, 6), dtype=np.int64)
    counts[0, 0] = 1000
    counts[1, 1], counts[1, 4] = 6, 2
    counts[0, 4] = 6
    counts[2, 2] = 5
    return counts


def test_cells_are_shares_of_their_row_and_of_their_column_where_background_is_called_bone(counts):
    assert cells(counts, TABLE) == (
        Cell(0, 4, 6, 6 / 8, "invented"),
        Cell(1, 1, 6, 6 / 8, "correct"),
        Cell(2, 2, 5, 1.0, "correct"),
        Cell(1, 4, 2, 2 / 8, "side"),
    )


def test_groups_stand_together_and_bones_never_seen_are_left_out(counts):
    found = cells(counts, TABLE)
    assert [bone.name for bone in matrix_order(found, TABLE)] == ["rib_left_1", "rib_right_1", "hip"]
    data = matrix_data(found, TABLE)
    assert data["names"] == ["rib_left_1", "rib_right_1", "hip", "background"]
    assert data["groups"] == ["ribs", "ribs", "pelvis", "background"]
    assert data["kinds"][data["cells"][0][4]] == "invented"
    assert [cell[:4] for cell in data["cells"]] == [[3, 1, 6, 0.75], [0, 0, 6, 0.75], [2, 2, 5, 1], [0, 1, 2, 0.25]]
