"""``sneakynet check``: all faults of a dataset at once."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cohort.dataset_check import DatasetCheck, check_dataset
from sneakynet.counted import counted
from sneakynet.data.dataset import refuse
from sneakynet.data.layouts import open_dataset
from sneakynet.data.splits import make_splits, write_splits


@dataclass(frozen=True)
class CheckSettings:
    """Which dataset to look at."""

    dataset: Positional[Annotated[Path, tyro.conf.arg(metavar="DATASET")]]
    """Folder in nnU-Net's raw layout (dataset.json, imagesTr, labelsTr) or in that of TotalSegmentator's dataset, or a
    JSON file that lists cases as MONAI does."""
    table: Path | None = None
    """Bone table (CSV) whose names the dataset uses; by default the package's own."""
    write_splits: Path | None = None
    """Also draw folds that hold every case out once, and write them as nnU-Net does, for `sneakynet train --splits`."""
    folds: int = 5
    """How many of them."""
    seed: int = 0
    """Decides who is in which."""
    json: bool = False
    """Print what was found to stdout as JSON."""


def run(settings: CheckSettings) -> None:
    """Look at every case, and say what was found on stderr.

    Args:
        settings: the command's options.

    Raises:
        DatasetError: the dataset has faults; the message lists all of them.
    """
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    dataset = open_dataset(settings.dataset, table=table)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking", total=len(dataset.cases))
        found = check_dataset(dataset, progress=lambda done: bar.update(task, completed=done))
    for line in _lines(found):
        console.print(escape(line), highlight=False, soft_wrap=True)
    if settings.json:
        print(json.dumps(_plain(found), indent=2))
    refuse(found.all_faults, settings.dataset)
    if settings.write_splits is not None:
        names = [case.name for case in dataset.cases]
        write_splits(settings.write_splits, make_splits(names, folds=settings.folds, seed=settings.seed))
        console.print(f"{counted(settings.folds, 'fold')}: {settings.write_splits}", highlight=False, soft_wrap=True)


def _lines(found: DatasetCheck) -> list[str]:
    """What the dataset is like, in words."""
    read = [check for check in found.cases if check.spacing is not None]
    lines = [f"{counted(len(found.cases), 'case')}, {len(read)} of them readable"]
    if read:
        spacing = np.array([check.spacing for check in read])
        low, high = (" x ".join(f"{value:g}" for value in row) for row in (spacing.min(0), spacing.max(0)))
        lines.append(f"spacing {low} mm" + (f" to {high} mm" if low != high else ""))
        orientations = sorted({check.orientation or "" for check in read})
        lines.append(f"axes run towards {', '.join(orientations)}")
    counts = found.cases_of_bone
    held = sum(count > 0 for count in counts.values())
    rarest = sorted((count, name) for name, count in counts.items() if count)[:5]
    lines.append(f"{held} of {counted(len(counts), 'bone')} of the table are labelled in some case")
    if rarest:
        lines.append("in the fewest cases: " + ", ".join(f"{name} ({count})" for count, name in rarest))
    return lines + [f"look at {doubt}" for doubt in found.doubts]


def _plain(found: DatasetCheck) -> dict[str, object]:
    return {
        "faults": list(found.all_faults),
        "doubts": list(found.doubts),
        "cases": [asdict(check) for check in found.cases],
        "cases_of_bone": found.cases_of_bone,
    }
