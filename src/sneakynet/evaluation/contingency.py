"""Which labels of a reference meet which labels of a prediction: every measure of overlap comes from this one count."""

import numpy as np
from jaxtyping import Int64

from sneakynet.errors import BoneTableError
from sneakynet.evaluation.slabs import slabs
from sneakynet.types import LabelArray

Contingency = Int64[np.ndarray, "n_classes n_classes"]
"""Voxels by (label in the reference, label in the prediction); label 0 is background."""


def contingency(reference: LabelArray, prediction: LabelArray, *, n_classes: int) -> Contingency:
    """Count the voxels of every pair of labels in one pass.

    Args:
        reference: labels 0 to ``n_classes - 1``.
        prediction: labels 0 to ``n_classes - 1`` on the same grid.
        n_classes: bones and background.

    Returns:
        Voxels by (reference, prediction); they sum to the voxels of the grid.

    Raises:
        BoneTableError: a label lies outside the table.
    """
    for name, labels in (("reference", reference), ("prediction", prediction)):
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= n_classes:
            msg = f"the {name} holds the label {low if low < 0 else high}; the bone table holds 0 to {n_classes - 1}"
            raise BoneTableError(msg)
    counts = np.zeros(n_classes**2, dtype=np.int64)
    for slab in slabs(reference):
        pair = reference[slab].astype(np.int64) * n_classes + prediction[slab]
        counts += np.bincount(pair.ravel(order="K"), minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)
