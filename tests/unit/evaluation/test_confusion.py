"""Swapped sides."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.confusion import swapped_share

TABLE = BoneTable(
    (
        Bone(1, "arm_left", side="left", mirror="arm_right"),
        Bone(2, "arm_right", side="right", mirror="arm_left"),
        Bone(3, "head"),
        Bone(4, "leg_left", side="left", mirror="leg_right"),
        Bone(5, "leg_right", side="right", mirror="leg_left"),
    )
)


def test_share_of_voxels_given_to_the_partner():
    counts = np.zeros((6, 6), dtype=np.int64)
    counts[1] = [2, 5, 3, 0, 0, 0]  # 3 of 10 left arm voxels are called right
    counts[2] = [0, 0, 4, 0, 6, 0]  # taken for a leg: wrong, but no swap
    counts[3] = [0, 1, 1, 8, 0, 0]  # no partner
    counts[4] = [0, 0, 0, 0, 0, 7]  # wholly swapped; the right leg is not in the reference
    assert swapped_share(counts, TABLE) == pytest.approx([np.nan, 0.3, 0, np.nan, 1, np.nan], nan_ok=True)
