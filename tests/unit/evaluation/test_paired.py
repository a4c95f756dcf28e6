"""Intervals, tests and corrections, against figures worked out by hand."""

import numpy as np
import pytest

from sneakynet.evaluation.paired import bootstrap_interval, cases_needed, holm, signed_rank


def test_bootstrap_of_two_cases():
    # The mean of two draws is 0, 1 or 2 with chances 1/4, 1/2, 1/4: both percentiles are the extremes.
    assert bootstrap_interval(np.array([0.0, 2.0]), resamples=2000, seed=0) == (0, 2)


def test_bootstrap_of_equal_differences_has_no_width():
    assert bootstrap_interval(np.full(7, 0.25), resamples=200, seed=3) == (0.25, 0.25)


def test_bootstrap_comes_near_the_normal_interval():
    differences = np.tile([-1.0, 1.0], 50)  # mean 0, standard error 0.1
    low, high = bootstrap_interval(differences, resamples=5000, seed=1)
    assert low == pytest.approx(-0.196, abs=0.02)
    assert high == pytest.approx(0.196, abs=0.02)


def test_bootstrap_is_repeatable_and_the_seed_counts():
    differences = np.arange(9.0) ** 2
    first, again, other = (bootstrap_interval(differences, resamples=300, seed=seed) for seed in (5, 5, 6))
    assert first == again != other


def test_one_case_has_no_interval():
    assert bootstrap_interval(np.array([1.0]), resamples=100, seed=0) is None


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3, 4, 5, 6], 2 / 2**6),  # all of one sign
        ([-1, 2, 3, 4, 5, 6], 4 / 2**6),  # rank sum 1: the sets {} and {1}, of either sign
        ([-1, -2, 3, 4, 5, 6], 10 / 2**6),  # rank sum 3: {}, 1, 2, 3, 1 + 2
        ([0, 0, 1, 2, 3, 4, 5, 6], 2 / 2**6),  # zeros say nothing
        ([0.1 + 0.2 - 0.3, 1, 2, 3, 4, 5, 6], 2 / 2**6),  # and what rounding left of a zero neither
        ([0, 0, 0], 1),
        ([], 1),
    ],
)
def test_signed_rank(differences, p):
    assert signed_rank(np.array(differences, dtype=float)) == pytest.approx(p)


def test_holm():
    # Smallest times 3, next times 2, last times 1, never falling.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx((0.06, 0.03, 0.06))
    assert holm([0.6, 0.7]) == (1, 1)
    assert holm([0.02]) == (0.02,)
    assert holm([]) == ()


def test_cases_needed():
    # 2 / 2**6 = 0.031 is the first below 0.05; three tests need 3 * 2 / 2**7 = 0.047.
    assert cases_needed(1) == 6
    assert cases_needed(3) == 7
