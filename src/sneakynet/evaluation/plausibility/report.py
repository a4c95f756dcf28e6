"""The files that inspections leave, and their JSON."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sneakynet.evaluation.plausibility.inspection import Inspection
from sneakynet.volumes.atomic import write_whole

FORMAT = "sneakynet inspection"
FORMAT_VERSION = 1

_COLUMNS = ("case", "overall", "part", "score", "flags", "bones", "evidence")


def worst_first(inspections: Sequence[Inspection]) -> list[Inspection]:
    """Those without a score, then by score; of equal ones those with more flags first."""

    def key(one: Inspection) -> tuple[float, int, str]:
        return (-1.0 if one.score is None else one.score, -len(one.flags), one.case)

    return sorted(inspections, key=key)


def inspections_json(inspections: Sequence[Inspection], *, failed: Sequence[tuple[str, str]] = ()) -> str:
    """What was found, as JSON text.

    Args:
        inspections: in any order; they are listed worst first.
        failed: files that could not be inspected, and why.
    """
    record = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "cases": [_record(one) for one in worst_first(inspections)],
        "failed": [{"file": file, "error": error} for file, error in failed],
    }
    return json.dumps(record, indent=2)


def write_inspections(
    folder: Path, inspections: Sequence[Inspection], *, failed: Sequence[tuple[str, str]] = ()
) -> None:
    """Write ``inspect.csv`` (a row per case and part) and ``inspect.json``, both or neither.

    Args:
        folder: must exist.
        inspections: in any order; they are listed worst first.
        failed: files that could not be inspected, and why.

    Raises:
        OutputError: a file cannot be written.
    """
    with write_whole(folder / "inspect.json") as record, write_whole(folder / "inspect.csv") as rows:
        with rows.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for one in worst_first(inspections):
                writer.writerows(_rows(one))
        record.write_text(inspections_json(inspections, failed=failed) + "\n", encoding="utf-8")


def _rows(one: Inspection) -> list[list[object]]:
    """Empty cells where a part abstains; evidence is that of the flags, worst first."""
    return [
        [
            one.case,
            "" if one.score is None else one.score,
            part.name,
            "" if part.score is None else part.score,
            len(part.flags),
            ";".join(dict.fromkeys(bone for flag in part.flags for bone in flag.bones)),
            "; ".join(flag.evidence for flag in part.flags) or part.evidence,
        ]
        for part in one.parts
    ]


def _record(one: Inspection) -> dict[str, Any]:
    return {
        "case": one.case,
        "score": one.score,
        "bones": one.bones,
        "parts": {
            part.name: {
                "score": part.score,
                "evidence": part.evidence,
                "flags": [
                    {"score": flag.score, "bones": list(flag.bones), "evidence": flag.evidence} for flag in part.flags
                ],
            }
            for part in one.parts
        },
    }
