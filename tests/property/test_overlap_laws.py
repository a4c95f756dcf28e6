"""Laws of the overlap measures, for any two label maps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sneakynet.evaluation.contingency import contingency
from sneakynet.evaluation.overlap import bone_dice, dice

N = 4
LABELS = arrays(np.uint8, (3, 2, 4), elements=st.integers(0, N - 1))


@given(LABELS, LABELS)
def test_counts_sum_to_the_voxels_and_transpose_when_swapped(one, other):
    counts = contingency(one, other, n_classes=N)
    assert counts.sum() == one.size
    assert np.array_equal(counts.T, contingency(other, one, n_classes=N))


@given(LABELS, LABELS)
def test_dice_is_symmetric_and_between_0_and_1(one, other):
    there = dice(contingency(one, other, n_classes=N))
    back = dice(contingency(other, one, n_classes=N))
    assert np.array_equal(there, back, equal_nan=True)
    known = there[~np.isnan(there)]
    assert ((known >= 0) & (known <= 1)).all()


@given(LABELS)
def test_a_perfect_prediction_scores_1(labels):
    counts = contingency(labels, labels, n_classes=N)
    scores = dice(counts)
    assert all(scores[label] == 1 for label in np.unique(labels))
    assert bone_dice(counts) == 1 or not labels.any()


@given(LABELS, LABELS, st.permutations(range(1, N)))
def test_bone_dice_does_not_see_names(one, other, order):
    renamed = np.array([0, *order], dtype=np.uint8)[other]
    before, after = (bone_dice(contingency(one, labels, n_classes=N)) for labels in (other, renamed))
    assert np.array_equal(before, after, equal_nan=True)
