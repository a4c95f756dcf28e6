"""How large bones are and how far apart: figures of many phantoms, by which single ones are judged."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class BoneRange:
    """One bone of the default table.

    Args:
        low_ml: least volume of a whole bone.
        median_ml: that of a middling person.
        high_ml: largest.
        step_mm: from a vertebra's centroid to the next one's below; None for other bones.
    """

    low_ml: float
    median_ml: float
    high_ml: float
    step_mm: float | None


@cache
def bone_ranges() -> dict[str, BoneRange]:
    """Ranges by name of the bone, from ``bone_ranges.csv``, which ``benchmarks/bone_ranges.py`` writes."""
    text = files("sneakynet.evaluation.plausibility").joinpath("bone_ranges.csv").read_text(encoding="utf-8")
    return {
        row["name"]: BoneRange(
            float(row["low_ml"]),
            float(row["median_ml"]),
            float(row["high_ml"]),
            float(row["step_mm"]) if row["step_mm"] else None,
        )
        for row in csv.DictReader(text.splitlines())
    }
