"""``sneakynet evaluate``: how good label maps are against references."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.viewing import find_case_scans, write_views
from sneakynet.errors import SettingError
from sneakynet.evaluation.case import CaseResult, Comparison, read_pair
from sneakynet.evaluation.cases import compare_cases, refuse_cases
from sneakynet.evaluation.pairing import Pair, pair_cases
from sneakynet.evaluation.report import FILES, Evaluation, write_files
from sneakynet.evaluation.summary import Summary, summary_of
from sneakynet.evaluation.translation import foreign_labels, warn_of_unnamed
from sneakynet.volumes.atomic import claimed_folder


@dataclass(frozen=True)
class EvaluateSettings:
    """What to compare, and where to write the figures."""

    prediction: Positional[Annotated[Path, tyro.conf.arg(metavar="PREDICTION")]]
    """Label map, or folder of label maps, to be judged."""
    reference: Positional[Annotated[Path, tyro.conf.arg(metavar="REFERENCE")]]
    """Label map, or folder of label maps with the same case names, to judge by."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for report.html, per_class.csv, confusion.csv, faults.csv, summary.json and nnunet_summary.json."""
    table: Path | None = None
    """CSV file with the bones to score, instead of the package's own bone table."""
    prediction_table: str | None = None
    """Whose labels predictions hold: a scheme (totalsegmentator, verse) or a CSV file; by default the names decide."""
    reference_table: str | None = None
    """Whose labels references hold, in the same way."""
    scans: Path | None = None
    """Folder of scans to lie beneath the labels in the pictures of report.html, or the scan of a single case."""
    resample: bool = False
    """Bring predictions on another grid onto the reference's, by the nearest voxel; otherwise they are refused."""
    surface: bool = True
    """Surface distances (NSD, HD95, mean distance); without them it takes a fraction of the time."""
    workers: int | None = None
    """Cases compared at once; by default one a processor core, and one where there are fewer than four."""
    json: bool = False
    """Print the summary to stdout as JSON."""


def run(settings: EvaluateSettings) -> None:
    """Compare, write the report, and print a short table to stderr.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: files that cannot be read or compared, or an output that cannot be written.
    """
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    if settings.workers is not None and settings.workers < 1:
        msg = f"workers is a number from 1 on, got {settings.workers}"
        raise SettingError(msg)
    pairs = pair_cases(settings.prediction, settings.reference)
    scans = find_case_scans(settings.scans, pairs, output=settings.output)
    console = Console(stderr=True)
    how = Comparison(
        table,
        prediction_table=settings.prediction_table,
        reference_table=settings.reference_table,
        resample=settings.resample,
        surface=settings.surface,
    )
    unnamed = []
    for source, paths in (
        (settings.prediction_table, [pair.prediction for pair in pairs]),
        (settings.reference_table, [pair.reference for pair in pairs]),
    ):
        if source is None:
            unnamed += paths
        else:
            foreign_labels(source, table)  # what is wrong with it is told once, and not for every case
    warn_of_unnamed(unnamed)
    with claimed_folder(settings.output):
        results, faults = _compared(pairs, how, workers=settings.workers, console=console)
        if not results:
            refuse_cases(faults, total=len(pairs))
        evaluation = Evaluation(results, summary_of(results, table), table)
        write_files(settings.output, evaluation, FILES)
        write_views(
            settings.output,
            evaluation,
            [pair for pair in pairs if pair.case not in faults],
            scans=scans,
            read=lambda pair: read_pair(pair, how),
            name=settings.prediction.resolve().name,
        )
    console.print(_rendered(results, evaluation.summary))
    if settings.json:
        print(evaluation.summary.to_json())
    refuse_cases(faults, total=len(pairs))


def _compared(
    pairs: Sequence[Pair], how: Comparison, *, workers: int | None, console: Console
) -> tuple[list[CaseResult], dict[str, str]]:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("comparing", total=len(pairs))
        return compare_cases(pairs, how, workers=workers, progress=lambda done: bar.update(task, completed=done))


def _rendered(results: Sequence[CaseResult], summary: Summary) -> Table:
    """Figures by group of bones, and over all."""
    groups: dict[str, list[float]] = {}
    for result in results:
        for score in result.scores:
            groups.setdefault(score.group, []).append(score.dsc)
    view = Table(box=None, pad_edge=False)
    view.add_column("group")
    for header in ("pairs", "median DSC > 0", "share > 0"):
        view.add_column(header, justify="right")
    for group, scores in groups.items():
        found = [score for score in scores if score > 0]
        median = f"{np.median(found):.3f}" if found else "-"
        view.add_row(group, str(len(scores)), median, f"{len(found) / len(scores):.1%}")
    median = "-"
    if summary.median_dsc is not None:
        median = f"{summary.median_dsc:.3f} +{summary.plus_p84:.3f} -{summary.minus_p16:.3f}"
    view.add_section()
    view.add_row("all", str(summary.pairs), median, f"{summary.nonzero_share:.1%}")
    view.add_row("any bone", str(summary.cases), f"{summary.bone_dsc:.3f}", "")
    view.add_section()
    view.add_row("right name", str(summary.pairs), "", f"{summary.identification_rate:.1%}")
    for name, rate in (
        ("given to the other side", summary.side_swap_rate),
        ("given to a neighbour of the series", summary.neighbour_shift_rate),
        ("given to a far bone", summary.far_confusion_rate),
    ):
        view.add_row(name, "", "", "-" if rate is None else f"{rate:.2%}")
    faults = {
        "missed": summary.missed_bones,
        "invented": summary.invented_bones,
        "split": summary.split_bones,
        "merged": summary.merged_bones,
        "fragments": summary.fragments,
        "out of order": summary.sequence_errors,
    }
    view.caption = "; ".join(f"{name} {count}" for name, count in faults.items())
    return view
