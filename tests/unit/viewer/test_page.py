"""Figures as people read them."""

import math

import pytest

from sneakynet.viewer.page import number, percent


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (0.12345, 3, False, "0.123"),
        (-0.5, 2, False, "\N{MINUS SIGN}0.50"),
        (0.5, 1, True, "+0.5"),
        (-0.0001, 3, True, "0.000"),
        (12345.6, 0, False, "12,346"),
        (None, 3, False, "\N{EN DASH}"),
        (math.nan, 3, True, "\N{EN DASH}"),
    ],
)
def test_number(value, digits, sign, text):
    assert number(value, digits, sign=sign) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0%"),
        (1.0, "100.0%"),
        (0.1234, "12.3%"),
        (0.0001, "<0.1%"),
        (None, "\N{EN DASH}"),
        (math.nan, "\N{EN DASH}"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text
