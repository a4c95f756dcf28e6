"""Dice score coefficients (DSC), and the summary of them that the paper gives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.contingency import Contingency


@dataclass(frozen=True)
class ClassScore:
    """One bone of one case.

    Args:
        case: the case's name.
        id: the bone's label in the bone table.
        name: the bone's name.
        group: the bone's group.
        dsc: 2 TP / (2 TP + FP + FN), 0 to 1.
        voxels_reference: voxels of the bone in the reference, at least 1.
        voxels_prediction: voxels of the bone in the prediction.
    """

    case: str
    id: int
    name: str
    group: str
    dsc: float
    voxels_reference: int
    voxels_prediction: int


@dataclass(frozen=True)
class Summary:
    """The paper's summary over (case, class) pairs.

    Args:
        median_dsc: median of the pairs with DSC > 0; None if there are none.
        plus_p84: from the median up to the 84th percentile of the same pairs.
        minus_p16: from the median down to the 16th percentile of the same pairs.
        nonzero_share: share of pairs with DSC > 0 among all.
        cases: scans.
        pairs: (case, class) pairs whose class the reference holds.
        bone_dsc: DSC of bone against background, whatever the bone; mean over cases that hold a bone.
    """

    median_dsc: float | None
    plus_p84: float | None
    minus_p16: float | None
    nonzero_share: float
    cases: int
    pairs: int
    bone_dsc: float


def dice(counts: Contingency) -> Float64[np.ndarray, " n_classes"]:
    """DSC per class; NaN where neither reference nor prediction holds the class."""
    total = (counts.sum(axis=0) + counts.sum(axis=1)).astype(np.float64)
    total[total == 0] = np.nan
    return np.asarray(2 * np.diagonal(counts) / total)


def bone_dice(counts: Contingency) -> float:
    """DSC of bone against background, whatever the bone; NaN where neither holds a bone."""
    both, either = int(counts[1:, 1:].sum()), int(counts[1:].sum() + counts[:, 1:].sum())
    return 2 * both / either if either else float("nan")


def class_scores(counts: Contingency, table: BoneTable, *, case: str) -> tuple[ClassScore, ...]:
    """Score every bone that the reference of a case holds.

    A bone that the reference lacks is not scored: a reference may be partial, and then says nothing about it.

    Args:
        counts: of the case.
        table: the bones behind the labels.
        case: the case's name.

    Returns:
        Scores in the order of the ids.
    """
    reference, prediction, dsc = counts.sum(axis=1), counts.sum(axis=0), dice(counts)
    return tuple(
        ClassScore(
            case=case,
            id=bone.id,
            name=bone.name,
            group=bone.group,
            dsc=float(dsc[bone.id]),
            voxels_reference=int(reference[bone.id]),
            voxels_prediction=int(prediction[bone.id]),
        )
        for bone in table
        if reference[bone.id]
    )


def summarize(scores: Sequence[float], *, bone_dsc: Sequence[float]) -> Summary:
    """Summarise the scores of all cases.

    Args:
        scores: one DSC per (case, class) pair, at least one.
        bone_dsc: of each case; NaN where a case holds no bone at all.

    Returns:
        The summary; percentiles interpolate linearly between scores.
    """
    found = [score for score in scores if score > 0]
    median = plus = minus = None
    if found:
        p16, p50, p84 = (float(p) for p in np.percentile(found, [16, 50, 84]))
        median, plus, minus = p50, p84 - p50, p50 - p16
    return Summary(
        median_dsc=median,
        plus_p84=plus,
        minus_p16=minus,
        nonzero_share=len(found) / len(scores),
        cases=len(bone_dsc),
        pairs=len(scores),
        bone_dsc=float(np.nanmean(bone_dsc)),
    )
