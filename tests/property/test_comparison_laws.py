"""Laws of comparisons: which method comes first does not matter, and corrected p-values only grow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sneakynet.evaluation.comparison import compare_methods
from sneakynet.evaluation.paired import bootstrap_interval, holm
from sneakynet.evaluation.scores import ScoreRow, Scores

SHARES = st.integers(0, 1000).map(lambda n: n / 1000)
BONES = {"head": "top", "jaw": "top", "tail": "end"}


PAIRS = st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=24)


def method(name, values):
    """Three bones a case; the last case may have fewer."""
    keys = [(f"c{n // 3}", list(BONES)[n % 3]) for n in range(len(values))]
    rows = {
        key: ScoreRow(key[0], 1, key[1], BONES[key[1]], {"dsc": value}) for key, value in zip(keys, values, strict=True)
    }
    return Scores(name, rows, ("dsc",))


@settings(deadline=None, max_examples=30)
@given(PAIRS)
def test_turned_round(pairs):
    methods = [method("a", [a for a, _ in pairs]), method("b", [b for _, b in pairs])]
    there, back = (
        compare_methods(some, common=False, resamples=100, seed=1).differences for some in (methods, methods[::-1])
    )
    for one, other in zip(there, back, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert (one.second_better, one.first_better) == (other.first_better, other.second_better)
        assert one.p == (None if other.p is None else pytest.approx(other.p))
        if one.low is not None:
            assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-12)
            assert one.low <= one.high


@settings(deadline=None)
@given(st.lists(SHARES, min_size=2, max_size=20), SHARES)
def test_an_interval_moves_with_its_differences(differences, shift):
    values = np.array(differences)
    low, high = bootstrap_interval(values, resamples=100, seed=0)
    assert min(differences) - 1e-9 <= low <= high <= max(differences) + 1e-9
    assert bootstrap_interval(values + shift, resamples=100, seed=0) == pytest.approx((low + shift, high + shift))


@settings(deadline=None)
@given(st.lists(SHARES, max_size=10))
def test_holm_keeps_the_order_and_never_lowers(p_values):
    corrected = holm(p_values)
    assert all(p <= c <= 1 for p, c in zip(p_values, corrected, strict=True))
    in_order = [corrected[n] for n in np.argsort(p_values, kind="stable")]
    assert in_order == sorted(in_order)
