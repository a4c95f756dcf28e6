"""A comparison of methods as one HTML page."""

from dataclasses import dataclass

from sneakynet.counted import counted
from sneakynet.evaluation.comparison import ALL, Comparison, Difference
from sneakynet.evaluation.metric import BY_KEY, METRICS, Metric
from sneakynet.evaluation.paired import ALPHA
from sneakynet.viewer.page import number, render

# Metrics whose tables are open from the start.
_OPEN = ("dsc", "nsd_3mm", "side_swap", "neighbour_shift")
_WIDE = 200.0  # of an interval's drawing, its own units


@dataclass(frozen=True)
class Line:
    """A row of a metric's table.

    Args:
        d: the difference.
        verdict: name of the method that is better, or empty where the interval holds 0 or the test does not agree.
        interval: x of low end, difference and high end in the drawing; None without an interval.
    """

    d: Difference
    verdict: str
    interval: tuple[float, float, float] | None


@dataclass(frozen=True)
class MetricTable:
    """A metric's table.

    Args:
        metric: what its figures are.
        lines: one per group and pair of methods.
        reach: difference at the drawing's edge.
        left_out: whether bones are left out.
        open: whether it is shown from the start.
    """

    metric: Metric
    lines: tuple[Line, ...]
    reach: float
    left_out: bool
    open: bool


def comparison_page(comparison: Comparison) -> str:
    """The page.

    Args:
        comparison: what to show.

    Returns:
        HTML that loads nothing.
    """
    tables = [
        _table(metric, rows)
        for metric in METRICS
        if (rows := [d for d in comparison.differences if d.metric == metric.key])
    ]
    return render(
        "compare.html.j2",
        comparison=comparison,
        tables=tables,
        words=[_words(line) for line in tables[0].lines if line.d.group == ALL],
        lead=tables[0].metric,
        notes=comparison.notes(),
        wide=_WIDE,
        all_bones=ALL,
    )


def _table(metric: Metric, rows: list[Difference]) -> MetricTable:
    reach = max(max(abs(x) for x in (d.low, d.high, d.difference) if x is not None) for d in rows) or 1.0
    return MetricTable(
        metric, tuple(_line(d, metric, reach) for d in rows), reach, any(d.left_out for d in rows), metric.key in _OPEN
    )


def _line(d: Difference, metric: Metric, reach: float) -> Line:
    if d.low is None or d.high is None:
        return Line(d, "", None)
    verdict = ""
    if (d.low > 0 or d.high < 0) and d.p_holm is not None and d.p_holm < ALPHA:
        verdict = d.second if metric.gain(d.difference) > 0 else d.first
    low, middle, high = (_WIDE / 2 * (1 + 0.95 * metric.gain(x) / reach) for x in (d.low, d.difference, d.high))
    return Line(d, verdict, (min(low, high), middle, max(low, high)))


def _words(line: Line) -> str:
    """What a line says, as a sentence."""
    d, metric = line.d, BY_KEY[line.d.metric]
    digits = metric.digits
    unit = " mm" if metric.unit == "mm" else ""
    text = (
        f"{d.second} against {d.first}: mean {metric.label} {number(d.mean_second, digits)}{unit} against "
        f"{number(d.mean_first, digits)}{unit}, a difference of {number(d.difference, digits, sign=True)}"
    )
    if d.low is not None:
        text += f" (95% interval {number(d.low, digits, sign=True)} to {number(d.high, digits, sign=True)})"
    text += f"; {d.second} is better in {d.second_better} of {counted(d.cases, 'case')}, {d.first} in {d.first_better}"
    return f"{text}; p = {d.p_holm:.2g}." if d.p_holm is not None else f"{text}."
