"""Bones over many cases: what is usual, who is unusual, and how the two sides compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sneakynet.evaluation.measures.bone_measures import BoneMeasures

SIZES = ("volume_ml", "surface_cm2", "length_mm")
"""Of whole bones only: one that the scan cuts has those of a part."""

DENSITIES = ("median_hu", "cortical_hu", "trabecular_hu")

RATIO = "volume_left_over_right"

_FENCE = 1.5
"""Interquartile ranges beyond the quartiles from which on a value is an outlier (Tukey, Exploratory Data Analysis)."""

_ENOUGH = 5
"""Cases that quartiles must have before anything counts as an outlier."""

Cases = Mapping[str, Sequence[BoneMeasures]]
"""Case -> its bones."""


@dataclass(frozen=True)
class CohortLine:
    """One measure of one bone over the cases.

    Args:
        name: of the bone; of a ratio, of the left one.
        measure: its key, with the unit.
        n: cases that have it: sizes are of bones that no face of the scan cuts.
        median: over them; this and the next in the measure's unit.
        q1: lower quartile.
        q3: upper quartile.
        iqr: between the two.
        lowest: over the cases.
        highest: over the cases.
        outliers: cases that lie more than 1.5 interquartile ranges beyond the quartiles, of five cases or more.
    """

    name: str
    measure: str
    n: int
    median: float
    q1: float
    q3: float
    iqr: float
    lowest: float
    highest: float
    outliers: tuple[str, ...]


def cohort_lines(cases: Cases) -> tuple[CohortLine, ...]:
    """A line per bone and measure that some case has, bones in the order of their ids."""
    names = {bone.name: bone.id for bones in cases.values() for bone in bones}
    found: dict[tuple[str, str], dict[str, float]] = {}
    for case, bones in cases.items():
        ratios = volume_ratios(bones)
        for bone in bones:
            for measure in (*SIZES, *DENSITIES):
                value = getattr(bone, measure)
                if value is not None and not (measure in SIZES and bone.touches_edge):
                    found.setdefault((bone.name, measure), {})[case] = value
            if bone.side == "left" and bone.name in ratios:
                found.setdefault((bone.name, RATIO), {})[case] = ratios[bone.name]
    keys = sorted(found, key=lambda key: (names[key[0]], (*SIZES, *DENSITIES, RATIO).index(key[1])))
    return tuple(_line(name, measure, found[name, measure]) for name, measure in keys)


def volume_ratios(bones: Sequence[BoneMeasures]) -> dict[str, float]:
    """Volume of the left bone over that of the right one, by the name of either; only where both are whole."""
    whole = {bone.name: bone for bone in bones if not bone.touches_edge}
    ratios = {}
    for bone in whole.values():
        partner = whole.get(bone.mirror or "")
        if partner is not None and bone.side in {"left", "right"}:
            left, right = (bone, partner) if bone.side == "left" else (partner, bone)
            ratios[bone.name] = round(left.volume_ml / right.volume_ml, 4)
    return ratios


def _line(name: str, measure: str, values: Mapping[str, float]) -> CohortLine:
    numbers = np.array(list(values.values()))
    q1, median, q3 = (float(x) for x in np.percentile(numbers, [25, 50, 75]))
    low, high = q1 - _FENCE * (q3 - q1), q3 + _FENCE * (q3 - q1)
    beyond = tuple(case for case, value in values.items() if not low <= value <= high)
    return CohortLine(
        name,
        measure,
        n=len(numbers),
        median=round(median, 4),
        q1=round(q1, 4),
        q3=round(q3, 4),
        iqr=round(q3 - q1, 4),
        lowest=float(numbers.min()),
        highest=float(numbers.max()),
        outliers=beyond if len(numbers) >= _ENOUGH else (),
    )
