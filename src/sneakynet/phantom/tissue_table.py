"""Hounsfield ranges of the tissues (``tissues.csv``).

Columns: ``low``/``high`` HU without contrast agent at 120 kV; ``texture`` its standard deviation within one tissue of
one person and ``texture_mm`` over which length it varies; ``<phase>_low``/``<phase>_high`` what iodine adds.

Sources of the ranges, native: Kamalian et al. 2016 (Handbook of Clinical Neurology 135) and Lamba et al. 2014 (AJR
203:W626) for organs, blood, brain and fluids; Pickhardt et al. 2012 (AJR 198:1359) for liver from severe steatosis on;
Aubrey et al. 2014 (Acta Physiologica 210:489) for muscle from fatty to healthy and for fat; Kauczor et al. 1998 (AJR
171:1091) and Mets et al. 2012 (European Radiology 22:120) for lung between inspiration and expiration; Agatston et al.
1990 (JACC 15:827; 130 HU and more) for calcified vessel walls; Pazhayattil and Iyer 2012 and Imai et al. 2001 for
thyroid; Prokop and Galanski 2003 (Spiral and Multislice Computed Tomography of the Body) for oral contrast agent.
Enhancement: Bae 2010 (Radiology 256:32) for vessels, heart, liver and its phases; Tublin et al. 1999 and Foley 2003 for
pancreas, spleen and kidneys; Yuh and Cohan 1999 (AJR 173:915) for nephrographic and excretory phase.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

PHASES = ("native", "arterial", "venous", "late")
"""Without contrast agent, and 20 to 40 s, 60 to 90 s, and minutes after it was given."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Tissue:
    """One row of ``tissues.csv``."""

    name: str
    """As its file has it."""
    hu: Range
    """Hounsfield units without contrast agent at 120 kV."""
    texture: float
    """Standard deviation within one person, HU."""
    texture_mm: float
    """Length over which it varies; 0: no texture."""
    enhancement: tuple[Range, ...]
    """What iodine adds in each of ``PHASES``, HU at 120 kV."""


@cache
def tissue_table() -> tuple[Tissue, ...]:
    """All tissues, in order of their ids."""
    text = files("sneakynet.phantom").joinpath("tissues.csv").read_text(encoding="utf-8")
    rows = sorted(csv.DictReader(text.splitlines(), strict=True), key=lambda row: int(row["id"]))
    return tuple(
        Tissue(
            name=row["name"],
            hu=_range(row, "low", "high"),
            texture=_number(row, "texture"),
            texture_mm=_number(row, "texture_mm"),
            enhancement=tuple(_range(row, f"{phase}_low", f"{phase}_high") for phase in PHASES),
        )
        for row in rows
    )


def _range(row: dict[str, str], low: str, high: str) -> Range:
    return _number(row, low), _number(row, high)


def _number(row: dict[str, str], column: str) -> float:
    return float(row.get(column) or 0)
