"""``sneakynet evaluate``: how good label maps are against references."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.viewing import find_case_scans, write_views
from sneakynet.evaluation.case import CaseResult, compare_files, read_pair
from sneakynet.evaluation.overlap import Summary
from sneakynet.evaluation.pairing import Pair, pair_cases
from sneakynet.evaluation.report import summary_json, summary_of, write_report
from sneakynet.volumes.atomic import make_folder
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True)
class EvaluateSettings:
    """What to compare, and where to write the figures."""

    prediction: Positional[Annotated[Path, tyro.conf.arg(metavar="PREDICTION")]]
    """Label map, or folder of label maps, to be judged."""
    reference: Positional[Annotated[Path, tyro.conf.arg(metavar="REFERENCE")]]
    """Label map, or folder of label maps with the same case names, to judge by."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for per_class.csv, summary.json, nnunet_summary.json and report.html."""
    table: Path | None = None
    """CSV file with the bones to score, instead of the package's own bone table."""
    prediction_table: str | None = None
    """Whose labels it holds: a scheme (totalsegmentator, verse) or a CSV file; by default its names decide."""
    reference_table: str | None = None
    """The same for the reference."""
    scans: Path | None = None
    """Folder of the scans, to lie beneath the labels in the pictures of report.html; or the scan of a single case."""
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
    pairs = pair_cases(settings.prediction, settings.reference)
    scans = find_case_scans(settings.scans, pairs, output=settings.output)
    console = Console(stderr=True)
    results = [
        compare_files(
            pair,
            table=table,
            prediction_table=settings.prediction_table,
            reference_table=settings.reference_table,
        )
        for pair in track(pairs, "comparing", console=console, transient=True, disable=not console.is_terminal)
    ]
    summary = summary_of(results)
    make_folder(settings.output)
    write_report(settings.output, results, summary)

    def read(pair: Pair) -> tuple[Volume, Volume]:
        return read_pair(
            pair,
            table=table,
            prediction_table=settings.prediction_table,
            reference_table=settings.reference_table,
        )

    name = settings.prediction.resolve().name
    write_views(settings.output, results, pairs, table=table, scans=scans, read=read, name=name)
    console.print(_rendered(results, summary))
    if settings.json:
        print(summary_json(summary))


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
    return view
