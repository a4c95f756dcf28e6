"""Dice scores and their summary, on numbers that can be checked by hand."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.overlap import ClassScore, bone_dice, class_scores, dice, summarize

TABLE = BoneTable((Bone(1, "a", group="x"), Bone(2, "b", group="y"), Bone(3, "c"), Bone(4, "d")))
# By (reference, prediction): a is found with 6 of 10 voxels, b is taken for a, c is only predicted, d is nowhere.
COUNTS = np.array(
    [
        [80, 2, 0, 5, 0],
        [4, 6, 0, 0, 0],
        [0, 3, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]
)


def test_dice_per_class():
    # background: 2*80 / (87 + 84); a: 2*6 / (10 + 11); b and c have no common voxel; d is nowhere.
    assert dice(COUNTS) == pytest.approx([160 / 171, 12 / 21, 0, 0, np.nan], nan_ok=True)


def test_bone_dice_forgives_wrong_names():
    # 9 voxels are bone in both; the reference has 13, the prediction 16.
    assert bone_dice(COUNTS) == pytest.approx(18 / 29)
    assert np.isnan(bone_dice(np.array([[7, 0], [0, 0]])))


def test_only_bones_of_the_reference_are_scored():
    assert class_scores(COUNTS, TABLE, case="k") == (
        ClassScore("k", 1, "a", "x", 12 / 21, 10, 11),
        ClassScore("k", 2, "b", "y", 0.0, 3, 0),
    )


def test_summary_counts_only_scores_above_zero():
    # Of 0.2, 0.4, 0.6, 0.8, 1.0: the 16th percentile lies 0.64 of the way from 0.2 to 0.4, the 84th mirrors it.
    summary = summarize([0.0, 0.6, 0.2, 1.0, 0.8, 0.4, 0.0, 0.0], bone_dsc=[0.5, 0.7, np.nan])
    assert summary.median_dsc == pytest.approx(0.6)
    assert summary.plus_p84 == pytest.approx(0.272)
    assert summary.minus_p16 == pytest.approx(0.272)
    assert summary.nonzero_share == pytest.approx(5 / 8)
    assert (summary.cases, summary.pairs) == (3, 8)
    assert summary.bone_dsc == pytest.approx(0.6)


def test_summary_of_a_prediction_that_found_nothing():
    summary = summarize([0.0, 0.0], bone_dsc=[0.0])
    assert (summary.median_dsc, summary.plus_p84, summary.minus_p16, summary.nonzero_share) == (None, None, None, 0.0)
