"""The paper's way to sum up scores: of those above 0, the median and how far most of them lie around it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Scores above 0; percentiles interpolate linearly between them.

    Args:
        median: of them; None if there are none.
        plus: from the median up to the 84th percentile.
        minus: from the median down to the 16th percentile.
        nonzero: share of the scores that are above 0.
    """

    median: float | None
    plus: float | None
    minus: float | None
    nonzero: float


def spread_of(scores: Sequence[float]) -> Spread:
    """Sum up at least one score."""
    found = [score for score in scores if score > 0]
    if not found:
        return Spread(None, None, None, 0.0)
    p16, p50, p84 = (float(p) for p in np.percentile(found, [16, 50, 84]))
    return Spread(p50, p84 - p50, p50 - p16, len(found) / len(scores))
