"""Boxes of scores."""

import math

import pytest

from sneakynet.evaluation.scores import ScoreRow, Scores
from sneakynet.viewer.box_plot import boxes


def test_boxes_over_all_and_by_group():
    values = [n / 100 for n in range(101)]
    rows = {
        (f"c{n}", "head"): ScoreRow(f"c{n}", 1, "head", "top", {"dsc": value}) for n, value in enumerate(values)
    } | {
        ("c0", "tail"): ScoreRow("c0", 2, "tail", "end", {"dsc": math.nan}),
        ("c0", "wing"): ScoreRow("c0", 3, "wing", "side", {"dsc": 0.5}),
    }
    every, top, side = boxes(Scores("m", rows, ("dsc",)), "dsc")
    assert (every.label, every.pairs) == ("all bones", 102)
    assert (top.label, top.pairs) == ("top", 101)
    assert (top.p5, top.p25, top.p50, top.p75, top.p95) == pytest.approx((0.05, 0.25, 0.5, 0.75, 0.95))
    assert [(dot.label, dot.value) for dot in top.dots] == [(f"head of c{n}", n / 100) for n in range(5)]
    assert (side.label, side.p5, side.p50, side.dots) == ("side", 0.5, 0.5, ())
