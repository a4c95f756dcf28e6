"""Which labels of a reference meet which labels of a prediction: every measure of overlap comes from this one count."""

import numpy as np
from jaxtyping import Int64

from sneakynet.anatomy.ignored import ignored
from sneakynet.errors import BoneTableError
from sneakynet.evaluation.slabs import slabs
from sneakynet.types import LabelArray

Contingency = Int64[np.ndarray, "n_classes n_classes"]
"""Voxels by (label in the reference, label in the prediction); label 0 is background."""


def contingency(reference: LabelArray, prediction: LabelArray, *, n_classes: int) -> Contingency:
    """Count the voxels of every pair of labels in one pass.

    Args:
        reference: labels 0 to ``n_classes - 1``. Voxels of the highest value of the type (``anatomy.ignored``), where
            that is no class, count nowhere: neither as reference nor as prediction.
        prediction: labels 0 to ``n_classes - 1`` on the same grid; the highest value of the type names no bone, so it
            is background.
        n_classes: bones and background.

    Returns:
        Voxels by (reference, prediction); they sum to the voxels of the grid that the reference does not ignore.

    Raises:
        BoneTableError: a label lies outside the table.
    """
    width = n_classes + 1  # one row and column more, for what is ignored
    counts = np.zeros(width**2, dtype=np.int64)
    for slab in slabs(reference):
        pair = _classes(reference[slab], n_classes, name="reference") * width
        pair += _classes(prediction[slab], n_classes, name="prediction")
        counts += np.bincount(pair.ravel(order="K"), minlength=width**2)
    pairs = counts.reshape(width, width)
    pairs[:, 0] += pairs[:, n_classes]
    return pairs[:n_classes, :n_classes].copy()


def _classes(labels: LabelArray, n_classes: int, *, name: str) -> Int64[np.ndarray, "i j k"]:
    """The labels, with ``n_classes`` in place of those that are ignored."""
    highest, classes = ignored(labels.dtype), labels.astype(np.int64)
    unknown = (classes == highest) & (highest >= n_classes)
    wrong = classes[((classes < 0) | (classes >= n_classes)) & ~unknown]
    if wrong.size:
        msg = f"the {name} holds the label {wrong[0]}; the bone table holds 0 to {n_classes - 1}"
        raise BoneTableError(msg)
    classes[unknown] = n_classes
    return classes
