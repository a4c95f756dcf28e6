"""Measures of many cases as CSV text."""

import csv
import io
from dataclasses import asdict, fields

from sneakynet.evaluation.measures.bone_measures import BoneMeasures
from sneakynet.evaluation.measures.cohort_lines import RATIO, Cases, CohortLine, cohort_lines, volume_ratios

BONES, COHORT = "bones.csv", "cohort.csv"
"""Names of the files."""

_AXES = "xyz"


def bones_csv(cases: Cases) -> str:
    """A row per case and bone. Vectors have a column for each component; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["case", *_columns(), RATIO], lineterminator="\n")
    writer.writeheader()
    for case, bones in cases.items():
        ratios = volume_ratios(bones)
        for bone in bones:
            row = {key: value for name, of in asdict(bone).items() for key, value in _cells(name, of).items()}
            writer.writerow({"case": case, **row, RATIO: ratios.get(bone.name)})
    return text.getvalue()


def cohort_csv(cases: Cases) -> str:
    """A row per bone and measure, over the cases; outliers are separated by semicolons."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(CohortLine)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**asdict(line), "outliers": ";".join(line.outliers)} for line in cohort_lines(cases))
    return text.getvalue()


def _columns() -> list[str]:
    vectors = ("centroid_mm", "axis_1", "axis_2", "axis_3")
    return [
        column
        for each in fields(BoneMeasures)
        for column in (_components(each.name) if each.name in vectors else [each.name])
    ]


def _components(name: str) -> list[str]:
    stem, _, unit = name.partition("_mm")
    return [f"{stem}_{axis}{'_mm' if unit or name.endswith('_mm') else ''}" for axis in _AXES]


def _cells(name: str, value: object) -> dict[str, object]:
    if name == "cut_faces" and isinstance(value, tuple):
        return {name: ";".join(value)}
    if isinstance(value, tuple):
        return dict(zip(_components(name), value, strict=True))
    return {name: value}
