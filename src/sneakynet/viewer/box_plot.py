"""How scores spread, as the boxes of a box plot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sneakynet.evaluation.scores import ScoreRow, Scores

# Dots of a box: the worst ones are what one looks for.
_MOST_DOTS = 60


@dataclass(frozen=True)
class Dot:
    """A score below the whisker.

    Args:
        value: the score.
        label: which bone of which case.
    """

    value: float
    label: str


@dataclass(frozen=True)
class Box:
    """Scores of one group of bones.

    Args:
        label: the group, or all bones.
        pairs: (case, bone) pairs.
        p5: 5th percentile, where the whisker begins.
        p25: lower quartile.
        p50: median.
        p75: upper quartile.
        p95: 95th percentile, where the whisker ends.
        dots: the lowest scores below the whisker.
    """

    label: str
    pairs: int
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    dots: tuple[Dot, ...]


def boxes(scores: Scores, metric: str) -> tuple[Box, ...]:
    """A box over all bones and one per group.

    Args:
        scores: of one method.
        metric: its key; bones without a value are left out.

    Returns:
        Boxes; none for a group without values.
    """
    rows = [row for row in scores.rows.values() if np.isfinite(row.values[metric])]
    chosen = [("all bones", rows), *((group, [r for r in rows if r.group == group]) for group in scores.groups)]
    return tuple(_box(label, some, metric) for label, some in chosen if some)


def _box(label: str, rows: Sequence[ScoreRow], metric: str) -> Box:
    p5, p25, p50, p75, p95 = (
        float(p) for p in np.percentile([row.values[metric] for row in rows], [5, 25, 50, 75, 95])
    )
    low = sorted((row for row in rows if row.values[metric] < p5), key=lambda row: row.values[metric])
    dots = tuple(Dot(row.values[metric], f"{row.name} of {row.case}") for row in low[:_MOST_DOTS])
    return Box(label, len(rows), p5, p25, p50, p75, p95, dots)
