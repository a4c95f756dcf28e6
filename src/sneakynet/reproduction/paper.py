"""What the paper printed, as facts: Schnider et al. 2023, doi 10.1007/s11548-023-02957-4."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def paper() -> dict[str, Any]:
    """The tables by name; rows by the experiments' names, figures by the columns' names; None: lost in its text."""
    content: dict[str, Any] = json.loads(files(__package__).joinpath("paper.json").read_text(encoding="utf-8"))
    return content


def printed(table: str, row: str) -> dict[str, float | None]:
    """The figures of a row; empty where the paper has no such row."""
    found: dict[str, float | None] = paper()[table].get(row, {})
    return found
