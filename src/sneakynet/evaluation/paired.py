"""Statistics of paired differences: interval, test, and correction for many tests."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int32
from scipy import stats

ALPHA = 0.05
"""Intervals cover 1 - ALPHA; a test is said to be out of reach where no p can fall below it."""

# Differences of rounded scores: those equal to this many digits are ties.
_TIE_DIGITS = 9


def bootstrap_interval(
    differences: Float64[np.ndarray, " case"], *, resamples: int, seed: int
) -> tuple[float, float] | None:
    """Interval of the mean by the percentile bootstrap.

    Args:
        differences: one per case, finite.
        resamples: how often as many cases are drawn with replacement.
        seed: of the draws; the same seed and number of cases give the same draws.

    Returns:
        The 2.5th and 97.5th percentile of the resampled means; None for fewer than 2 cases, which say nothing about
        how cases vary.
    """
    cases = len(differences)
    if cases < 2:
        return None
    means = differences[_draws(cases, resamples, seed)].mean(axis=1)
    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


@lru_cache(maxsize=2)  # 40 MB each for 1000 cases and 10,000 resamples
def _draws(cases: int, resamples: int, seed: int) -> Int32[np.ndarray, "resample case"]:
    """The cases that are drawn. Metrics and groups that have the same number of cases share the draws."""
    return np.random.default_rng(seed).integers(cases, size=(resamples, cases), dtype=np.int32)


def signed_rank(differences: Float64[np.ndarray, " case"]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test.

    Args:
        differences: one per case, finite. Those that are 0 are left out, as Wilcoxon did.

    Returns:
        p; 1 where no case differs.
    """
    rounded = np.round(differences, _TIE_DIGITS)
    nonzero = rounded[rounded != 0]
    return float(stats.wilcoxon(nonzero).pvalue) if nonzero.size else 1.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values corrected for their number by Holm's step-down method.

    Args:
        p_values: of tests that ask one question together.

    Returns:
        Corrected values in the same order, at most 1.
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return tuple(corrected)


def cases_needed(tests: int) -> int:
    """Fewest cases with which a signed-rank test can reach p < ALPHA after the correction.

    Args:
        tests: how many are corrected together, at least 1.

    Returns:
        Smallest n with ``tests * 2 ** (1 - n) < ALPHA``: all n cases lie on one side with probability
        ``2 ** (1 - n)`` by chance.
    """
    cases = 1
    while tests * 2.0 ** (1 - cases) >= ALPHA:
        cases += 1
    return cases
