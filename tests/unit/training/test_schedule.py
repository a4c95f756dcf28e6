"""The learning rate by hand."""

import pytest

from sneakynet.training.schedule import FLOOR, learning_rate


@pytest.mark.parametrize(("step", "expected"), [(0, 0.25), (1, 0.5), (2, 0.75), (3, 1.0), (50, 1.0)])
def test_constant_after_warm_up(step, expected):
    assert learning_rate(step, peak=1.0, kind="constant", steps=100, warmup_steps=3) == pytest.approx(expected)


def test_cosine_falls_from_the_peak_to_its_floor():
    def rate(step):
        return learning_rate(step, peak=2.0, kind="cosine", steps=110, warmup_steps=10)

    assert rate(10) == pytest.approx(2.0)
    assert rate(60) == pytest.approx((1 + FLOOR) / 2 * 2.0)
    assert rate(110) == pytest.approx(2.0 * FLOOR)
    assert rate(500) == pytest.approx(2.0 * FLOOR)


def test_a_part_that_begins_later_rises_to_what_the_whole_would_have_had():
    def rate(step, first_step):
        return learning_rate(step, peak=2.0, kind="cosine", steps=110, warmup_steps=9, first_step=first_step)

    assert rate(60, 60) == pytest.approx(rate(60, 0) / 10)
    assert rate(64, 60) == pytest.approx(rate(64, 0) / 2)
    assert rate(69, 60) == pytest.approx(rate(69, 0))
    assert rate(100, 60) == pytest.approx(rate(100, 0))
