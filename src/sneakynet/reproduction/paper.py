"""What the paper printed, as facts: Schnider et al. 2023, doi 10.1007/s11548-023-02957-4."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from sneakynet.reproduction.experiment import Experiment, experiment_name

SPACING = 2.0
"""Mm per voxel of the paper's scans. Its text has lost the number; the fields of view that it describes give it."""


@cache
def paper() -> dict[str, Any]:
    """The tables by name; rows by the experiments' names, figures by the columns' names; None: lost in its text."""
    content: dict[str, Any] = json.loads(files(__package__).joinpath("paper.json").read_text(encoding="utf-8"))
    return content


def printed(table: str, experiment: Experiment, *, spacing: float) -> dict[str, float | None]:
    """The figures of the row whose networks see as many millimetres; empty where the paper has no such row.

    Args:
        table: its name.
        experiment: ours.
        spacing: ours, mm.
    """
    edge = experiment.patch_size * spacing / SPACING
    row = experiment_name(experiment.variant, round(edge), experiment.contexts)
    found: dict[str, float | None] = paper()[table].get(row, {}) if abs(edge - round(edge)) < 0.01 else {}
    return found
