"""Scores by bone, by case and one by one, as the tables of the report page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sneakynet.evaluation.metric import BY_KEY, Metric
from sneakynet.evaluation.scores import ScoreRow, Scores

# Rows that the page carries one by one: 10,000 take about 1 MB.
_MOST_ROWS = 10_000
_WORST_BONES = 5


@dataclass(frozen=True)
class BoneLine:
    """One bone over all cases.

    Args:
        name: the bone's.
        group: its group.
        cases: whose reference holds it.
        missed: cases in which nothing of it was found.
        medians: metric -> median of the cases that have a value; of `MEAN_METRICS` the mean; NaN where none has.
        worst: lowest DSC.
        worst_case: the case it comes from.
    """

    name: str
    group: str
    cases: int
    missed: int
    medians: dict[str, float]
    worst: float
    worst_case: str


@dataclass(frozen=True)
class CaseLine:
    """One case over all its bones.

    Args:
        case: its name.
        bones: that its reference holds.
        missed: bones of which nothing was found.
        mean_dsc: over its bones.
        median_dsc: the same.
        worst: its worst bones, the worst first.
    """

    case: str
    bones: int
    missed: int
    mean_dsc: float
    median_dsc: float
    worst: tuple[ScoreRow, ...]


MEAN_METRICS = ("identified", "side_swap", "neighbour_shift", "far")
"""Nearly all 0 or nearly all 1: their median would say nothing."""


def bone_lines(scores: Scores) -> tuple[BoneLine, ...]:
    """A line per bone, by id."""
    by_bone: dict[str, list[ScoreRow]] = {}
    for row in sorted(scores.rows.values(), key=lambda row: row.id):
        by_bone.setdefault(row.name, []).append(row)
    return tuple(_bone_line(rows, scores.metrics) for rows in by_bone.values())


def _bone_line(rows: Sequence[ScoreRow], metrics: Iterable[str]) -> BoneLine:
    worst = min(rows, key=_dsc)
    return BoneLine(
        name=worst.name,
        group=worst.group,
        cases=len(rows),
        missed=sum(row.values["dsc"] == 0 for row in rows),
        medians={key: _middle([row.values[key] for row in rows], mean=key in MEAN_METRICS) for key in metrics},
        worst=worst.values["dsc"],
        worst_case=worst.case,
    )


def case_lines(scores: Scores) -> tuple[CaseLine, ...]:
    """A line per case, the lowest mean DSC first."""
    by_case: dict[str, list[ScoreRow]] = {}
    for row in scores.rows.values():
        by_case.setdefault(row.case, []).append(row)
    lines = [
        CaseLine(
            case=case,
            bones=len(rows),
            missed=sum(row.values["dsc"] == 0 for row in rows),
            mean_dsc=_middle([row.values["dsc"] for row in rows], mean=True),
            median_dsc=_middle([row.values["dsc"] for row in rows]),
            worst=tuple(sorted(rows, key=_dsc)[:_WORST_BONES]),
        )
        for case, rows in by_case.items()
    ]
    return tuple(sorted(lines, key=lambda line: line.mean_dsc))


def table_metrics(scores: Scores) -> tuple[Metric, ...]:
    """The metrics of the tables' columns."""
    return tuple(BY_KEY[key] for key in scores.metrics)


def rows_data(scores: Scores) -> dict[str, object]:
    """Every bone of every case for the page's script, the lowest DSC first.

    Returns:
        ``columns`` (key, label, digits of a number or -1 of a text); ``rows`` in their order, None where undefined;
        ``left_out``, how many rows with the highest DSC are not there, since a page of any size is of no use.
    """
    metrics = table_metrics(scores)
    rows = sorted(scores.rows.values(), key=_dsc)
    columns = [
        ["case", "case", -1],
        ["name", "bone", -1],
        ["group", "group", -1],
        *([metric.key, metric.label, metric.digits] for metric in metrics),
        ["voxels_reference", "voxels", 0],
        ["voxels_prediction", "found", 0],
        ["cut_off", "cut off", -1],
        ["named_as", "most named", -1],
    ]
    return {
        "columns": columns,
        "rows": [
            [
                row.case,
                row.name,
                row.group,
                *(_rounded(row.values[metric.key], metric) for metric in metrics),
                row.voxels_reference,
                row.voxels_prediction,
                "yes" if row.cut_off else "",
                row.named_as,
            ]
            for row in rows[:_MOST_ROWS]
        ],
        "left_out": max(0, len(rows) - _MOST_ROWS),
    }


def _rounded(value: float, metric: Metric) -> float | None:
    return round(value, metric.digits) if np.isfinite(value) else None


def _middle(values: Sequence[float], *, mean: bool = False) -> float:
    defined = [value for value in values if np.isfinite(value)]
    if not defined:
        return float("nan")
    return float(np.mean(defined) if mean else np.median(defined))


def _dsc(row: ScoreRow) -> float:
    return row.values["dsc"]
