"""``sneakynet demo``: the whole path on a phantom that the default weights have never seen."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.segment import SegmentSettings
from sneakynet.cli.segment import run as segment
from sneakynet.data.case_writer import write_truth
from sneakynet.evaluation.case import CaseResult, Comparison, compare_files
from sneakynet.evaluation.pairing import Pair
from sneakynet.evaluation.report import FILES, Evaluation, write_files
from sneakynet.evaluation.summary import summary_of
from sneakynet.inference.device import resolve_device
from sneakynet.models.packaged import packaged_weights
from sneakynet.phantom.field_of_view import Field
from sneakynet.phantom.phantom import make_phantom
from sneakynet.volumes.atomic import make_folder
from sneakynet.volumes.write import write_scan

_SWAPPED = 0.5  # a bone counts as swapped where its partner gets more than half of it


@dataclass(frozen=True)
class DemoSettings:
    """Make a synthetic scan, find its bones with the default weights, and score them against the truth."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("demo")
    """Folder for scan, labels, statistics, picture and scores; made if missing."""
    seed: int = 7
    """Of the phantom. The default weights were trained on seeds from 1000 on."""
    spacing: float = 3.0
    """Mm per voxel of the scan."""
    field: Field = "whole"
    """Part of the body that the scan shows."""
    device: str = "auto"
    """auto, cpu or cuda."""
    json: bool = False
    """Print the scores as JSON."""


def run(settings: DemoSettings) -> None:
    """Run the demonstration.

    Raises:
        SneakyNetError: a value outside what is allowed, or the folder cannot be written.
    """
    started = time.monotonic()
    folder = settings.output
    # What can go wrong later is asked now: making the phantom takes a while.
    resolve_device(settings.device)
    make_folder(folder)
    packaged_weights()
    scan, truth, found = folder / "phantom.nii.gz", folder / "truth.nii.gz", folder / "segmentation"
    _say(f"1/3 making a phantom (seed {settings.seed}, {settings.spacing:g} mm): {scan}")
    phantom = make_phantom(settings.seed, spacing=settings.spacing, field=settings.field)
    table = BoneTable.default()
    write_scan(scan, phantom.scan)
    write_truth(truth, phantom.labels, table=table)
    _say("2/3 finding its bones")
    segment(SegmentSettings(input=(scan,), output=found, device=settings.device, overwrite=True))
    _say("3/3 scoring them against the truth")
    pair = Pair(case="phantom", prediction=found / "phantom.nii.gz", reference=truth)
    result = compare_files(pair, Comparison(table, surface=False))
    summary = summary_of([result], table)
    write_files(folder, Evaluation([result], summary, table), FILES)
    if settings.json:
        print(json.dumps({**asdict(summary), "groups": _groups(result)}, indent=2))
    _print_groups(result)
    _say(f"done in {time.monotonic() - started:.0f} s; look at {found / 'phantom.png'}")


def _groups(result: CaseResult) -> dict[str, dict[str, float | int]]:
    """Bones, median DSC, bones above 0.5 and swapped bones of every anatomical group."""
    groups: dict[str, list[tuple[float, bool]]] = {}
    for score in result.scores:
        groups.setdefault(score.group, []).append((score.dsc, (score.side_swap or 0) > _SWAPPED))
    return {
        group: {
            "bones": len(rows),
            "median_dsc": sorted(dsc for dsc, _ in rows)[len(rows) // 2],
            "above_half": sum(dsc > 0.5 for dsc, _ in rows),
            "swapped": sum(swap for _, swap in rows),
        }
        for group, rows in groups.items()
    }


def _print_groups(result: CaseResult) -> None:
    shown = Table(
        "group", "bones", "median DSC", "DSC above 0.5", "sides swapped", title="Scores of the demo's phantom"
    )
    for group, row in _groups(result).items():
        shown.add_row(group, str(row["bones"]), f"{row['median_dsc']:.2f}", str(row["above_half"]), str(row["swapped"]))
    Console(stderr=True).print(shown)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
