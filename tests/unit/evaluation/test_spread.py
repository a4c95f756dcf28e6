import pytest

from sneakynet.evaluation.spread import Spread, spread_of


def test_zeros_count_in_the_share_alone():
    spread = spread_of([0.0, 0.5, 0.6, 0.7])
    assert (spread.median, spread.nonzero) == (0.6, 0.75)
    assert spread.plus == pytest.approx(0.068)
    assert spread.minus == pytest.approx(0.068)


def test_nothing_found():
    assert spread_of([0.0, 0.0]) == Spread(None, None, None, 0.0)
