"""The summary, on scores that can be checked by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import DatasetError
from sneakynet.evaluation.case import CaseResult
from sneakynet.evaluation.faults import Faults
from sneakynet.evaluation.score import ClassScore
from sneakynet.evaluation.summary import summary_of

TABLE = BoneTable(
    (
        Bone(1, "a", group="x", series="s", index=1),
        Bone(2, "b", group="x", series="s", index=2),
        Bone(3, "c", group="y"),
    )
)
SCORE = ClassScore("k", 1, "a", "x", 0.0, 0.0, None, None, None, None, 10, 10, False, False, "a", None, 0.0, 0.0)
COUNTS = np.diag([90, 10, 10, 10])


def result(*scores, bone_dsc=1.0, faults=None, counts=COUNTS):
    return CaseResult("k", counts, tuple(scores), bone_dsc, faults or Faults())


def test_the_paper_s_figures_leave_scores_of_zero_out():
    # Of 0.2, 0.4, 0.6, 0.8, 1.0: the 16th percentile lies 0.64 of the way from 0.2 to 0.4, the 84th mirrors it.
    values = [0.0, 0.6, 0.2, 1.0, 0.8, 0.4, 0.0, 0.0]
    scores = [replace(SCORE, dsc=value, iou=value / 2) for value in values]
    summary = summary_of(
        [result(*scores[:3], bone_dsc=0.5), result(*scores[3:], bone_dsc=0.7), result(bone_dsc=float("nan"))], TABLE
    )
    assert summary.median_dsc == pytest.approx(0.6)
    assert summary.plus_p84 == pytest.approx(0.272)
    assert summary.minus_p16 == pytest.approx(0.272)
    assert summary.nonzero_share == pytest.approx(5 / 8)
    assert (summary.cases, summary.pairs) == (3, 8)
    assert summary.bone_dsc == pytest.approx(0.6)
    assert summary.median_dsc_with_zeros == pytest.approx(0.3)
    assert summary.median_iou == pytest.approx(0.15)


def test_nothing_was_found():
    summary = summary_of([result(SCORE, SCORE)], TABLE)
    assert (summary.median_dsc, summary.plus_p84, summary.minus_p16, summary.nonzero_share) == (None, None, None, 0.0)
    assert (summary.median_dsc_with_zeros, summary.class_mean_dsc) == (0, 0)


def test_the_mean_over_classes_gives_each_the_same_weight():
    # a: (1 + 0) / 2 over the two cases that hold it; c: 0.4 in the one.
    scores = [replace(SCORE, dsc=1.0), replace(SCORE, dsc=0.0), replace(SCORE, id=3, dsc=0.4)]
    assert summary_of([result(*scores)], TABLE).class_mean_dsc == pytest.approx(0.45)


def test_rates_are_means_over_the_bones_that_can_be_confused_so():
    scores = [
        replace(SCORE, side_swap=0.5, neighbour_shift=0.1, far=0.3, identified=True),
        replace(SCORE, side_swap=None, neighbour_shift=None, far=0.0, identified=False),
        replace(SCORE, side_swap=0.1, neighbour_shift=0.3, far=0.0, identified=True),
    ]
    summary = summary_of([result(*scores)], TABLE)
    assert summary.side_swap_rate == pytest.approx(0.3)
    assert summary.neighbour_shift_rate == pytest.approx(0.2)
    assert summary.far_confusion_rate == pytest.approx(0.1)
    assert summary.identification_rate == pytest.approx(2 / 3)
    none = summary_of([result(replace(SCORE, far=None, neighbour_shift=None))], TABLE)
    assert (none.side_swap_rate, none.neighbour_shift_rate, none.far_confusion_rate) == (None, None, None)


def test_shifts_by_step():
    counts = np.zeros((4, 4), dtype=np.int64)
    counts[1], counts[2] = [0, 6, 4, 0], [0, 0, 10, 0]
    assert summary_of([result(SCORE, counts=counts)], TABLE).neighbour_shift_by_step == {"1": pytest.approx(0.2)}


def test_surfaces_of_bones_that_were_not_found_have_no_distance():
    scores = [
        replace(SCORE, nsd_1voxel=0.0, nsd_3mm=0.0),
        replace(SCORE, nsd_1voxel=0.5, nsd_3mm=0.9, hd95=3.0, msd=1.0),
        replace(SCORE, nsd_1voxel=0.7, nsd_3mm=1.0, hd95=5.0, msd=2.0),
    ]
    summary = summary_of([result(*scores)], TABLE)
    assert (summary.median_nsd_1voxel, summary.median_nsd_3mm) == (0.5, 0.9)
    assert (summary.median_hd95, summary.median_msd) == (4.0, 1.5)
    assert summary_of([result(SCORE)], TABLE).median_hd95 is None


def test_faults_are_counted_over_the_cases():
    faults = Faults(missed=("a",), invented=("b", "c"), split=("a",), fragments=("a", "a"), out_of_order=("b",))
    summary = summary_of(
        [result(SCORE, faults=faults), result(SCORE, faults=Faults(missed=("c",), merged=("a",)))], TABLE
    )
    assert (summary.missed_bones, summary.invented_bones, summary.split_bones) == (2, 2, 1)
    assert (summary.merged_bones, summary.fragments, summary.sequence_errors) == (1, 2, 1)


def test_json_is_rounded():
    text = summary_of([result(replace(SCORE, dsc=1 / 3))], TABLE).to_json()
    assert json.loads(text)["median_dsc"] == 0.333333


def test_a_reference_without_bones_is_refused():
    with pytest.raises(
        DatasetError, match=r"the reference of k holds no bone .* prediction and reference are not swapped"
    ):
        summary_of([result()], TABLE)
    with pytest.raises(DatasetError, match="the reference of all 2 cases holds no bone"):
        summary_of([result(), result()], TABLE)
