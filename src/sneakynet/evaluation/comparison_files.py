"""A comparison of methods as CSV and JSON text."""

import csv
import io
import json
from dataclasses import asdict, fields
from importlib.metadata import version

from sneakynet.evaluation.comparison import Comparison, Difference
from sneakynet.evaluation.paired import ALPHA

FORMAT = "sneakynet comparison"
FORMAT_VERSION = 1

_DIGITS = 6


def comparison_csv(comparison: Comparison) -> str:
    """A line per metric, group and pair of methods; empty where a figure is not defined."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Difference)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_record(difference) for difference in comparison.differences)
    return text.getvalue()


def comparison_json(comparison: Comparison) -> str:
    """The same lines, and what they were made with; null where a figure is not defined."""
    record = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sneakynet_version": version("sneakynet"),
        "methods": comparison.methods,
        "cases": comparison.cases,
        "cases_left_out": comparison.cases_left_out,
        "interval": {"kind": "percentile bootstrap over cases", "coverage": 1 - ALPHA},
        "test": {"kind": "Wilcoxon signed-rank over cases, two-sided", "correction": "Holm over pairs of methods"},
        "seed": comparison.seed,
        "resamples": comparison.resamples,
        "differences": [_record(difference) for difference in comparison.differences],
    }
    return json.dumps(record, indent=2, allow_nan=False)


def _record(difference: Difference) -> dict[str, object]:
    """Figures to six digits behind the point, p-values to six that count."""
    return {
        key: value
        if not isinstance(value, float)
        else float(f"{value:.{_DIGITS}g}")
        if key in {"p", "p_holm"}
        else round(value, _DIGITS)
        for key, value in asdict(difference).items()
    }
