"""``progress.png``: losses, validation DSC and learning rate over the steps, drawn from the run's CSV files."""

import csv
import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sneakynet.volumes.atomic import write_whole

PROGRESS = "progress.png"

# Okabe and Ito's colours, told apart by everyone.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_POINTS = 400  # of a curve; more cannot be told apart


def draw_curves(folder: Path) -> None:
    """Draw what the run's ``train.csv`` and ``validation.csv`` hold so far.

    Raises:
        OutputError: the picture cannot be written.
    """
    training, validation = read_log(folder / "train.csv"), read_log(folder / "validation.csv")
    figure = Figure(figsize=(9, 9), dpi=110, layout="constrained")
    losses, scores, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.4))
    _lines(losses, training, {name: name for name in training if name.endswith("_loss")})
    losses.set_ylabel("loss (cross-entropy + Dice)")
    dice = {name: f"{name.removesuffix('_dice')}, patches" for name in validation if name.endswith("_dice")}
    _lines(scores, validation, dice | ({"scans_dsc": "whole scans"} if "scans_dsc" in validation else {}), marker="o")
    scores.set_ylabel("DSC on held-out cases")
    scores.set_ylim(0, 1)
    _lines(rate, training, {"learning_rate": "learning rate"}, legend=False)
    rate.set_ylabel("learning rate")
    rate.set_ylim(bottom=0)
    rate.set_xlabel("step")
    with write_whole(folder / PROGRESS) as part:
        figure.savefig(part, format="png")


def read_log(path: Path) -> dict[str, list[float]]:
    """The columns of a log of a run; none of a file that is not there."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name] or math.nan) for row in rows] for name in (rows[0] if rows else ())}


def _lines(
    axes: Axes, columns: dict[str, list[float]], labels: dict[str, str], *, marker: str = "", legend: bool = True
) -> None:
    for number, (name, label) in enumerate(labels.items()):
        every = max(1, len(columns.get(name, ())) // _POINTS)
        steps, values = columns.get("step", [])[::every], columns.get(name, [])[::every]
        axes.plot(steps, values, color=_COLOURS[number % len(_COLOURS)], label=label, marker=marker, markersize=3)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if legend and labels:
        axes.legend(frameon=False, fontsize="small")
