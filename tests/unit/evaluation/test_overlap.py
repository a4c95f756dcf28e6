"""Overlap, on numbers that can be checked by hand."""

import numpy as np
import pytest

from sneakynet.evaluation.overlap import bone_dice, dice, iou

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


def test_intersection_over_union_per_class():
    # background: 80 of 87 + 84 - 80; a: 6 of 10 + 11 - 6.
    assert iou(COUNTS) == pytest.approx([80 / 91, 6 / 15, 0, 0, np.nan], nan_ok=True)


def test_bone_dice_forgives_wrong_names():
    # 9 voxels are bone in both; the reference has 13, the prediction 16.
    assert bone_dice(COUNTS) == pytest.approx(18 / 29)
    assert np.isnan(bone_dice(np.array([[7, 0], [0, 0]])))
