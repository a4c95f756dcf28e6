"""Errors planted in a body of boxes: each moves its own figure and no other."""

import itertools

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.case import compare
from sneakynet.evaluation.summary import summary_of
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
FIGURES = (
    "side_swap_rate",
    "neighbour_shift_rate",
    "far_confusion_rate",
    "missed_bones",
    "invented_bones",
    "split_bones",
    "merged_bones",
    "fragments",
    "sequence_errors",
)
SPINE = [bone for bone in TABLE if bone.series == "vertebra"]


@pytest.fixture(scope="module")
def body():
    """A spine in the middle, ribs on both sides of it, arms beside them, legs below; two voxels of air around all."""
    voxels = np.zeros((44, 12, 130), dtype=np.uint8)

    def fill(name, i, k):
        voxels[i, 4:8, k] = TABLE[name].id

    for n, bone in enumerate(SPINE):
        fill(bone.name, slice(20, 24), slice(124 - 4 * n - 3, 124 - 4 * n))
    for n in range(1, 13):
        top = slice(96 - 4 * n - 2, 96 - 4 * n)
        fill(f"rib_right_{n}", slice(25, 34), top)
        fill(f"rib_left_{n}", slice(10, 19), top)
    for side, arm, hip, leg in (("right", 38, 26, 27), ("left", 3, 12, 13)):
        fill(f"humerus_{side}", slice(arm, arm + 3), slice(50, 90))
        fill(f"hip_{side}", slice(hip, hip + 6), slice(20, 27))
        fill(f"femur_{side}", slice(leg, leg + 3), slice(3, 20))
    return voxels


def swap_sides(voxels):
    return TABLE.mirror_lut()[voxels].astype(np.uint8)


def shift_the_spine(voxels):
    lut = np.arange(256, dtype=np.uint8)
    for bone, below in itertools.pairwise(SPINE):
        lut[bone.id] = below.id
    return lut[voxels]


def humerus_as_femur(voxels):
    voxels[voxels == TABLE["humerus_left"].id] = TABLE["femur_left"].id
    return voxels


def drop_a_rib(voxels):
    voxels[voxels == TABLE["rib_left_7"].id] = 0
    return voxels


def add_a_fragment(voxels):
    voxels[40:42, 9:11, 120:122] = TABLE["hip_left"].id
    return voxels


def invent_a_patella(voxels):
    voxels[40:42, 9:11, 3:5] = TABLE["patella_right"].id
    return voxels


def split_a_vertebra(voxels):
    half = voxels[20:22]
    half[half == TABLE["vertebrae_T4"].id] = TABLE["vertebrae_T5"].id
    return voxels


def merge_two_vertebrae(voxels):
    voxels[voxels == TABLE["vertebrae_T4"].id] = TABLE["vertebrae_T5"].id
    return voxels


def exchange_two_ribs(voxels):
    one, other = TABLE["rib_left_3"].id, TABLE["rib_left_4"].id
    lut = np.arange(256, dtype=np.uint8)
    lut[[one, other]] = other, one
    return lut[voxels]


PLANTED = {
    swap_sides: {"side_swap_rate"},
    humerus_as_femur: {"far_confusion_rate"},
    drop_a_rib: {"missed_bones"},
    add_a_fragment: {"fragments"},
    invent_a_patella: {"invented_bones"},
    # These name a neighbour by nature; below L5 there is none to shift to, so that L4 and L5 share a name.
    shift_the_spine: {"neighbour_shift_rate", "merged_bones"},
    split_a_vertebra: {"neighbour_shift_rate", "split_bones"},
    merge_two_vertebrae: {"neighbour_shift_rate", "merged_bones"},
    exchange_two_ribs: {"neighbour_shift_rate", "sequence_errors"},
}


def figures(prediction, reference):
    maps = (Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0])) for voxels in (prediction, reference))
    result = compare(*maps, table=TABLE, case="body", surface=False)
    return summary_of([result], TABLE)


def test_without_an_error_nothing_moves(body):
    summary = figures(body, body)
    assert all(not getattr(summary, figure) for figure in FIGURES)
    assert summary.identification_rate == summary.median_dsc == 1


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_each_error_moves_its_own_figure_and_no_other(body, plant):
    summary = figures(plant(body.copy()), body)
    assert {figure for figure in FIGURES if getattr(summary, figure)} == PLANTED[plant]


def test_the_size_of_a_shift(body):
    cervical = [bone for bone in SPINE if bone.group == "spine_cervical"]
    lut = np.arange(256, dtype=np.uint8)
    for bone in cervical:  # C1 is called C3 and so on; C6 and C7 are lost
        lut[bone.id] = next((b.id for b in cervical if b.index == bone.index + 2), 0)
    summary = figures(lut[body], body)
    assert summary.neighbour_shift_by_step == {"2": pytest.approx(5 / 48, abs=1e-6)}
