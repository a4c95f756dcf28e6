"""Scores in the form of nnU-Net v2's ``summary.json``, for tools that read it."""

import json
from collections.abc import Sequence

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.case import CaseResult
from sneakynet.evaluation.contingency import Contingency
from sneakynet.evaluation.pairing import Pair

NNUNET_SUMMARY = "nnunet_summary.json"

Figures = dict[str, float]


def nnunet_summary(results: Sequence[CaseResult], pairs: Sequence[Pair], *, table: BoneTable) -> str:
    """JSON text with ``foreground_mean``, ``mean`` by class and ``metric_per_case``.

    As nnU-Net does, a class that neither reference nor prediction of a case holds has the Dice NaN there, which the
    means leave out, and an invented bone has 0. Unlike nnU-Net, a class that no case holds does not make the mean over
    classes NaN.

    Args:
        results: at least one case.
        pairs: the files of the same cases, in the same order.
        table: the bones; classes are keyed by their ids as text.

    Returns:
        JSON, but for the NaN that nnU-Net writes too.
    """
    cases = [_case(result.counts, table) for result in results]
    keys = [str(bone.id) for bone in table]
    mean = {key: _mean([case[key] for case in cases]) for key in keys}
    record = {
        "foreground_mean": _mean(list(mean.values())),
        "mean": mean,
        "metric_per_case": [
            {"metrics": case, "prediction_file": str(pair.prediction), "reference_file": str(pair.reference)}
            for case, pair in zip(cases, pairs, strict=True)
        ],
    }
    return json.dumps(record)


def _case(counts: Contingency, table: BoneTable) -> dict[str, Figures]:
    """Figures of one case by class."""
    hits, in_reference, in_prediction = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    total = int(counts.sum())
    return {
        str(bone.id): _figures(int(hits[bone.id]), int(in_prediction[bone.id]), int(in_reference[bone.id]), total)
        for bone in table
    }


def _figures(tp: int, n_pred: int, n_ref: int, total: int) -> Figures:
    fp, fn = n_pred - tp, n_ref - tp
    either = tp + fp + fn
    return {
        "Dice": 2 * tp / (n_pred + n_ref) if either else float("nan"),
        "FN": fn,
        "FP": fp,
        "IoU": tp / either if either else float("nan"),
        "TN": total - either,
        "TP": tp,
        "n_pred": n_pred,
        "n_ref": n_ref,
    }


def _mean(figures: Sequence[Figures]) -> Figures:
    """Mean of each figure where it is defined; NaN where it is nowhere."""
    means: Figures = {}
    for key in figures[0]:
        defined = [value for one in figures if not np.isnan(value := one[key])]
        means[key] = float(np.mean(defined)) if defined else float("nan")
    return means
