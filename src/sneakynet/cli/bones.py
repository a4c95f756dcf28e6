"""``sneakynet bones``: print the bone table."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sneakynet.anatomy.bone import BoneTable

_JSON_KEYS: Final = ("id", "name", "side", "mirror", "group", "series", "index", "color", "snomed_code")


@dataclass(frozen=True)
class BonesSettings:
    """What to print, and how."""

    json: bool = False
    """Print a JSON list instead of a table."""
    table: Path | None = None
    """CSV file of another bone table (columns: see the reference page on bones)."""


def run(settings: BonesSettings) -> None:
    """Print the bone table to stdout.

    Args:
        settings: the command's options.

    Raises:
        BoneTableError: the given table holds faults.
    """
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    if settings.json:
        print(json.dumps([{key: getattr(bone, key) for key in _JSON_KEYS} for bone in table], indent=2))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a pipe has no width; cut no name
    console.print(_rendered(table))


def _rendered(table: BoneTable) -> Table:
    """The table for a terminal, each row with a patch of the bone's colour."""
    view = Table(box=None, pad_edge=False)
    for header in ("id", "", "name", "side", "group", "series", "SNOMED CT", "meaning"):
        view.add_column(header, justify="right" if header == "id" else "left", no_wrap=True)
    for bone in table:
        series = "" if bone.series is None else f"{bone.series} {bone.index}"
        patch = Text("██", style=bone.color)
        view.add_row(
            str(bone.id), patch, bone.name, bone.side or "", bone.group, series, bone.snomed_code, bone.snomed_meaning
        )
    return view
