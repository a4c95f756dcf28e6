"""The vertebrae from the skull down: how much of the column each takes, and which pair of ribs it bears."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class SpineLevel:
    """One vertebra.

    Args:
        name: in the package's bone table.
        extent_mm: from the middle of the disc above to that of the disc below, in a middling person: means of steps
            between centroids in real label maps (VerSe gl003 and verse004, TotalSegmentator's of an abdomen) and in
            phantoms, in whole and half mm.
        rib: of each side; None where it bears none.
    """

    name: str
    extent_mm: float
    rib: int | None


@cache
def spine_levels() -> tuple[SpineLevel, ...]:
    """All 24, from the top."""
    text = files("sneakynet.anatomy").joinpath("spine.csv").read_text(encoding="utf-8")
    return tuple(
        SpineLevel(row["vertebra"], float(row["extent_mm"]), int(row["rib"]) if row["rib"] else None)
        for row in csv.DictReader(text.splitlines())
    )
