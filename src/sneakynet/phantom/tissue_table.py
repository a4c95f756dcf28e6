"""Hounsfield ranges of the tissues (``tissues.csv``).

Columns: ``low``/``high`` HU without contrast agent at 120 kV; ``texture`` its standard deviation within one tissue of
one person and ``texture_mm`` over which length it varies; ``<phase>_low``/``<phase>_high`` what iodine adds.

Sources of the ranges, native: Prokop and Galanski 2003 (Spiral and Multislice Computed Tomography of the Body) and
Kamalian et al. 2016 (Handbook of Clinical Neurology 135) for organs, blood, brain, fluids and oral contrast agent,
widened by what scanners differ in (Lamba et al. 2014, AJR 203:1013); Pickhardt et al. 2012 (European Radiology 22:1075)
for liver down to severe steatosis; Goodpaster et al. 2000 (Journal of Applied Physiology 89:104) and Aubrey et al. 2014
(Acta Physiologica 210:489) for muscle, lean to fatty, and for fat; Kauczor et al. 1998 (AJR 171:1091) for lung from
inspiration to expiration; Agatston et al. 1990 (JACC 15:827; 130 HU and more) for calcified vessel walls; Iida et al.
1983 (Radiology 147:793) for thyroid, healthy and diseased. Discs, cartilage, table, blankets and leads are set: no
survey of them is known.
Enhancement: Bae 2010 (Radiology 256:32) for vessels, heart, liver and the phases; Tublin et al. 1999 (Radiology 210:97)
for pancreas; Foley 2003 (European Journal of Radiology 45:S73) and Yuh and Cohan 1999 (AJR 173:747) for kidneys and
urine.
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
