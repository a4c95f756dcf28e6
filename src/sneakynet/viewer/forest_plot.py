"""Differences between methods with their intervals, a panel per metric and a line per group of bones."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sneakynet.counted import counted
from sneakynet.evaluation.comparison import ALL, Comparison, Difference
from sneakynet.evaluation.metric import METRICS, Metric
from sneakynet.viewer.short_name import short_name

SHOWN = ("dsc", "nsd_3mm", "identified", "side_swap", "neighbour_shift", "far")
"""Metrics of the figure; the tables have all."""

# Told apart with any colour vision (Okabe and Ito), and by their marks.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKS = "osD^vP"
_COLUMNS, _WIDE, _ROW, _FRAME, _DPI = 3, 4.6, 0.2, 1.1, 150


def save_forest_plot(path: Path, figure: Figure) -> None:
    """Write a figure; the same figure gives the same file.

    Args:
        path: ends in .png or .svg.
        figure: that `draw_forest_plot` drew.
    """
    with rc_context({"svg.hashsalt": "sneakynet"}):
        figure.savefig(path, dpi=_DPI, metadata={"Date": None} if path.suffix == ".svg" else None)


def draw_forest_plot(comparison: Comparison) -> Figure:
    """Every further method against the first, over all bones and by group.

    Right of the line the further method is better, whatever the metric: where less is better the axis runs backwards.

    Args:
        comparison: what to draw.

    Returns:
        A figure that belongs to no window.
    """
    first, *others = comparison.methods
    shown = [d for d in comparison.differences if d.first == first]
    metrics = [m for m in METRICS if m.key in SHOWN and any(d.metric == m.key for d in shown)]
    # A file without the usual metrics still has a picture.
    metrics = metrics or [m for m in METRICS if any(d.metric == m.key for d in shown)]
    groups = [ALL, *dict.fromkeys(d.group for d in shown if d.group != ALL)]
    columns = min(_COLUMNS, len(metrics))
    rows = -(-len(metrics) // columns)
    high = _FRAME + len(groups) * (_ROW + 0.07 * (len(others) - 1))
    figure = Figure(figsize=(_WIDE * columns, high * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)
    for axes, metric in zip(panels, metrics, strict=False):
        _panel(axes, metric, [d for d in shown if d.metric == metric.key], groups=groups, others=others, first=first)
    for axes in panels[len(metrics) :]:
        axes.set_axis_off()
    cases = counted(len(comparison.cases), "case")
    figure.suptitle(
        f"Difference to {short_name(first)}, {cases}; 95% bootstrap intervals over cases",
        fontsize=10,
        parse_math=False,
    )
    handles, labels = panels[0].get_legend_handles_labels()
    if len(others) > 1:
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=min(len(others), 6), fontsize=8)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


def _panel(
    axes: Axes,
    metric: Metric,
    differences: Sequence[Difference],
    *,
    groups: Sequence[str],
    others: Sequence[str],
    first: str,
) -> None:
    axes.axvline(0, color="#555555", linewidth=0.8)
    spread = 0.6 / max(len(others), 1)
    for n, other in enumerate(others):
        color, mark = _COLORS[n % len(_COLORS)], _MARKS[n % len(_MARKS)]
        own = [d for d in differences if d.second == other]
        heights = [groups.index(d.group) + (n - (len(others) - 1) / 2) * spread for d in own]
        for d, y in zip(own, heights, strict=True):
            if d.low is not None and d.high is not None:
                axes.plot([d.low, d.high], [y, y], color=color, linewidth=1.3, solid_capstyle="butt")
        axes.plot([d.difference for d in own], heights, mark, color=color, markersize=4, label=short_name(other))
    axes.set_yticks(range(len(groups)), ["all bones", *groups[1:]], fontsize=7, parse_math=False)
    axes.axhline(0.5, color="#cccccc", linewidth=0.6)
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.tick_params(axis="x", labelsize=7)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    if metric.better == "lower":
        axes.invert_xaxis()
    axes.set_title(f"{metric.label}{' (mm)' if metric.unit == 'mm' else ''}", fontsize=9)
    second = short_name(others[0]) if len(others) == 1 else "the other"
    axes.set_xlabel(f"← {short_name(first)} better     {second} better →", fontsize=7, parse_math=False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
