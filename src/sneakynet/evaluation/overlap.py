"""How much of a bone two label maps share: DSC and IoU, from their contingency."""

import numpy as np
from jaxtyping import Float64

from sneakynet.evaluation.contingency import Contingency


def dice(counts: Contingency) -> Float64[np.ndarray, " n_classes"]:
    """DSC per class, 2 TP / (2 TP + FP + FN); NaN where neither reference nor prediction holds the class."""
    total = (counts.sum(axis=0) + counts.sum(axis=1)).astype(np.float64)
    total[total == 0] = np.nan
    return np.asarray(2 * np.diagonal(counts) / total)


def iou(counts: Contingency) -> Float64[np.ndarray, " n_classes"]:
    """Intersection over union per class, TP / (TP + FP + FN); NaN as in `dice`."""
    dsc = dice(counts)
    return np.asarray(dsc / (2 - dsc))


def bone_dice(counts: Contingency) -> float:
    """DSC of bone against background, whatever the bone; NaN where neither holds a bone."""
    both, either = int(counts[1:, 1:].sum()), int(counts[1:].sum() + counts[:, 1:].sum())
    return 2 * both / either if either else float("nan")
