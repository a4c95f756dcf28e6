"""The figure of a comparison."""

import pytest

from sneakynet.evaluation.comparison import compare_methods
from sneakynet.evaluation.scores import ScoreRow, Scores
from sneakynet.viewer.forest_plot import draw_forest_plot, save_forest_plot


def scores(name, values, *, metrics=("dsc", "side_swap")):
    rows = {
        (f"c{n}", "head"): ScoreRow(f"c{n}", 1, "head", "top", dict.fromkeys(metrics, v)) for n, v in enumerate(values)
    }
    return Scores(name, rows, metrics)


def figure_of(*methods):
    return draw_forest_plot(compare_methods(methods, common=False, resamples=100, seed=0))


def test_a_panel_per_metric_and_a_line_per_group():
    figure = figure_of(scores("a", [0.1, 0.2]), scores("$b_{$", [0.2, 0.4]), scores("c", [0.1, 0.2]))
    dsc, swap = figure.axes
    assert (dsc.get_title(), swap.get_title()) == ("DSC", "given to the other side")
    assert [tick.get_text() for tick in dsc.get_yticklabels()] == ["all bones", "top"]
    marks = {line.get_label(): line.get_xdata() for line in dsc.lines if not line.get_label().startswith("_")}
    assert marks["$b_{$"] == pytest.approx([0.15, 0.15])
    assert marks["c"] == pytest.approx([0, 0])
    assert not dsc.xaxis_inverted()
    assert swap.xaxis_inverted()  # less is better, and better is right
    figure.canvas.draw()


def test_metrics_of_no_panel_are_drawn_where_there_is_nothing_else():
    (axes,) = figure_of(scores("a", [0.1], metrics=("iou",)), scores("b", [0.2], metrics=("iou",))).axes
    assert axes.get_title() == "IoU"


def test_files_are_the_same_twice(tmp_path):
    for name in ("a.svg", "b.svg"):
        save_forest_plot(tmp_path / name, figure_of(scores("a", [0.1, 0.2]), scores("b", [0.2, 0.5])))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
