"""Faults of whole bones, on counts and maps that can be checked by hand."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.bone_statistics import bone_statistics
from sneakynet.evaluation.faults import fragments, invented, merged, missed, out_of_order, split
from sneakynet.volumes.volume import Volume

TABLE = BoneTable(
    (
        Bone(1, "v1", group="spine", series="v", index=1),
        Bone(2, "v2", group="spine", series="v", index=2),
        Bone(3, "v3", group="spine", series="v", index=3),
        Bone(4, "leg", group="leg"),
    )
)


def counts(**rows):
    made = np.zeros((5, 5), dtype=np.int64)
    for row, values in rows.items():
        made[int(row[1:])] = values
    return made


def test_missed_are_bones_without_any_name():
    found = counts(r1=[91, 5, 4, 0, 0], r2=[90, 0, 0, 0, 10], r3=[0, 0, 0, 0, 100])
    assert missed(found, TABLE) == ("v1",)


def test_invented_are_bones_on_background():
    # v2 lies on background; v3 on v1; the leg half on each; v1 is in the reference.
    found = counts(r0=[500, 50, 60, 10, 20], r1=[0, 10, 5, 90, 20])
    assert invented(found, TABLE) == ("v2",)


def test_split_are_bones_with_two_names_of_one_region():
    found = counts(r1=[0, 79, 21, 0, 0], r2=[0, 20, 80, 0, 0], r3=[0, 0, 0, 50, 50])
    assert split(found, TABLE) == ("v1",)


def test_merged_are_names_of_two_bones_of_one_region():
    found = counts(r1=[0, 60, 40, 0, 0], r2=[0, 51, 49, 0, 0], r3=[0, 0, 0, 0, 90], r4=[0, 0, 0, 0, 90])
    assert merged(found, TABLE) == ("v1",)


def line(*labels):
    return np.array(labels, dtype=np.uint8).reshape(-1, 1, 1)


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ([1, 1, 0, 0, 1, 0, 1], [1, 1, 0, 0, 0, 0, 0], ("v1", "v1")),
        ([1, 1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 1, 0, 0], ()),  # the bone itself is in two pieces
        ([1, 1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 2, 0, 0], ()),  # a wrong name, not a stray
        ([1, 1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 255, 0, 0], ()),  # nobody knows
        ([0, 0, 2, 0, 1, 0, 0], [1, 1, 1, 0, 0, 0, 0], ()),  # each in one piece
    ],
)
def test_fragments_are_pieces_astray(prediction, reference, expected):
    assert fragments(line(*prediction), line(*reference), TABLE) == expected


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ([1, 1, 0, 2, 2, 0, 3, 3], ()),
        ([1, 1, 0, 3, 3, 0, 2, 2], ("v3",)),
        ([2, 2, 0, 3, 3, 0, 0, 0], ()),  # named one too low: in order
        ([0, 0, 0, 0, 0, 0, 3, 3], ()),
        ([2, 0, 0, 3, 0, 1, 0, 0], ("v2",)),
    ],
)
def test_out_of_order_are_bones_before_the_one_that_they_follow(prediction, expected):
    there, found = (
        bone_statistics(Volume(line(*labels), np.eye(4)), None, table=TABLE)
        for labels in ([1, 1, 0, 2, 2, 0, 3, 3], prediction)
    )
    assert out_of_order(found, there, TABLE) == expected
