"""Counting pairs of labels."""

import numpy as np
import pytest

from sneakynet.errors import BoneTableError
from sneakynet.evaluation import slabs
from sneakynet.evaluation.contingency import contingency

REFERENCE = np.array([0, 0, 1, 1, 1, 2], dtype=np.uint8).reshape(1, 2, 3)
PREDICTION = np.array([0, 1, 1, 1, 2, 0], dtype=np.int16).reshape(1, 2, 3)


def test_rows_are_the_reference():
    assert contingency(REFERENCE, PREDICTION, n_classes=3).tolist() == [[1, 1, 0], [0, 2, 1], [1, 0, 0]]


@pytest.mark.parametrize("block", [1, 7, 1 << 22])
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_and_memory_order_change_nothing(monkeypatch, block, order):
    monkeypatch.setattr(slabs, "_BLOCK", block)
    rng = np.random.default_rng(0)
    reference, prediction = rng.integers(0, 5, (2, 6, 4, 9)).astype(np.uint8)
    expected = np.zeros((5, 5), dtype=np.int64)
    np.add.at(expected, (reference.ravel(), prediction.ravel()), 1)
    counts = contingency(np.asarray(reference, order=order), prediction[::-1][::-1], n_classes=5)
    assert np.array_equal(counts, expected)


@pytest.mark.parametrize(("which", "label"), [("reference", 3), ("prediction", 200), ("prediction", -1)])
def test_labels_outside_the_table_are_refused(which, label):
    good = np.zeros((2, 2, 2), dtype=np.int64)
    bad = good.copy()
    bad[0, 1, 0] = label
    pair = (bad, good) if which == "reference" else (good, bad)
    with pytest.raises(BoneTableError, match=f"the {which} holds the label {label}; the bone table holds 0 to 2"):
        contingency(*pair, n_classes=3)


def test_ignored_voxels_of_the_reference_count_nowhere():
    reference = REFERENCE.copy()
    reference[0, 0, 1] = reference[0, 1, 0] = 255  # the prediction is right at one and wrong at the other
    assert contingency(reference, PREDICTION, n_classes=3).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    wide = reference.astype(np.uint16)
    wide[reference == 255] = 65535
    assert contingency(wide, PREDICTION, n_classes=3).tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]


def test_a_prediction_that_ignores_names_no_bone():
    reference, prediction = REFERENCE.copy(), PREDICTION.astype(np.uint8)
    reference[0, 0, 0] = prediction[0, 0, 0] = 255
    prediction[0, 0, 2] = 255
    assert contingency(reference, prediction, n_classes=3).tolist() == [[0, 1, 0], [1, 1, 1], [1, 0, 0]]


def test_the_highest_label_is_a_class_where_the_table_holds_it():
    labels = np.array([0, 255, 255], dtype=np.uint8).reshape(3, 1, 1)
    assert contingency(labels, labels, n_classes=256)[255, 255] == 2


def test_ignored_labels_of_another_type_are_refused():
    with pytest.raises(BoneTableError, match="the reference holds the label 255"):
        contingency(np.full((2, 2, 2), 255, dtype=np.uint16), np.zeros((2, 2, 2), dtype=np.uint16), n_classes=3)
