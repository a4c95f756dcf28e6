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
