"""A training run as one HTML page: curves, scores by bone, settings."""

import base64
import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sneakynet.training.curves import PROGRESS, read_log
from sneakynet.training.held_out import BONES
from sneakynet.training.run import CONFIG
from sneakynet.viewer.page import render

# Settings that name folders of one machine; a page is passed on.
_PLACES = frozenset({"dataset", "table", "cache", "init", "splits"})


def training_page(folder: Path) -> str:
    """The page.

    Args:
        folder: of a run, as `training.run.train` leaves it.

    Returns:
        HTML that loads nothing.
    """
    config: dict[str, Any] = yaml.safe_load((folder / CONFIG).read_text(encoding="utf-8"))
    made_by = config.pop("made_by", {})
    training, validation = read_log(folder / "train.csv"), read_log(folder / "validation.csv")
    picture = folder / PROGRESS
    return render(
        "training.html.j2",
        name=folder.resolve().name,
        done=int(training["step"][-1]) if training else 0,
        config={name: _shown(name, value) for name, value in config.items()},
        made_by=_flat(made_by),
        picture=base64.b64encode(picture.read_bytes()).decode() if picture.is_file() else None,
        minutes=training["minutes"][-1] if training else None,
        best=_best(validation),
        last={name: values[-1] for name, values in validation.items() if name != "step"},
        bones=_rows(folder / BONES),
    )


def _best(validation: Mapping[str, list[float]]) -> tuple[int, str, float] | None:
    """Step, figure and value of the best validation."""
    name = "scans_dsc" if any(map(math.isfinite, validation.get("scans_dsc", ()))) else "target_dice"
    values = zip(validation.get(name, ()), validation.get("step", ()), strict=True)
    found = [(value, -int(step)) for value, step in values if math.isfinite(value)]
    if not found:
        return None
    value, step = max(found)
    return -step, name, value


def _rows(path: Path) -> list[dict[str, Any]]:
    """Worst bones first."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{**row, "mean_dsc": float(row["mean_dsc"])} for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: row["mean_dsc"])


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "\N{EN DASH}"
    return Path(value).name if name in _PLACES else str(value)


def _flat(made_by: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: value for name, value in made_by.items() if not isinstance(value, Mapping)}
    texts |= {name: value for part in made_by.values() if isinstance(part, Mapping) for name, value in part.items()}
    return {name.replace("_", " "): "\N{EN DASH}" if value is None else str(value) for name, value in texts.items()}
