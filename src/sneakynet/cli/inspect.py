"""``sneakynet inspect``: which label maps should be looked at, without a reference."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.evaluation.pairing import case_names, label_maps, scans_of
from sneakynet.evaluation.plausibility.inspection import Inspection, inspect_file
from sneakynet.evaluation.plausibility.report import inspections_json, worst_first, write_inspections
from sneakynet.evaluation.translation import foreign_labels, warn_of_unnamed
from sneakynet.volumes.atomic import make_folder

_SHOWN = 30  # rows of the table; the files hold all


@dataclass(frozen=True)
class InspectSettings:
    """What to look at, and where to write what was found."""

    labels: Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="LABELS [MORE ...]")]]
    """Label maps, or folders of them."""
    scan: Path | None = None
    """Scan that the labels were found in, or folder of scans with the same names; with it, densities are judged."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder for inspect.csv and inspect.json; made if missing."""
    labels_table: str | None = None
    """Whose labels they are: a scheme (totalsegmentator, verse) or a CSV file; by default the label names decide."""
    json: bool = False
    """Print what was found to stdout as JSON."""
    fail_below: float | None = None
    """End with exit status 1 if a label map scores below this (0 to 1) or holds nothing to score."""


def run(settings: InspectSettings) -> None:
    """Inspect, write the files, and print what to look at to stderr, worst first.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, before any work; or some of the files could not be inspected.
        SystemExit: status 1, a score below ``fail_below``.
    """
    if settings.fail_below is not None and not 0 <= settings.fail_below <= 1:
        msg = f"--fail-below is a score from 0 to 1, got {settings.fail_below}"
        raise SettingError(msg)
    if not settings.labels:
        msg = "give label maps to inspect, or folders of them: sneakynet inspect LABELS"
        raise SettingError(msg)
    if settings.labels_table is not None:
        foreign_labels(settings.labels_table, BoneTable.default())  # told once, and not for every file
    files = label_maps(settings.labels)
    if settings.labels_table is None:
        warn_of_unnamed(files)
    scans = {} if settings.scan is None else scans_of(files, settings.scan)
    if settings.output is not None:
        make_folder(settings.output)
    console = Console(stderr=True)
    found, failed = _inspected(files, scans, settings, console=console)
    if settings.output is not None and found:
        write_inspections(settings.output, found, failed=failed)
    if found:
        console.print(_rendered(found))
    if settings.json:
        print(inspections_json(found, failed=failed))
    _conclude(found, failed, settings)


def _inspected(
    files: Sequence[Path], scans: dict[Path, Path], settings: InspectSettings, *, console: Console
) -> tuple[list[Inspection], list[tuple[str, str]]]:
    """What was found, and the files that could not be inspected with the reason."""
    found: list[Inspection] = []
    failed: list[tuple[str, str]] = []
    table = BoneTable.default()
    names = case_names(files)
    for path in track(files, "inspecting", console=console, transient=True, disable=not console.is_terminal):
        try:
            one = inspect_file(path, scans.get(path), table=table, labels_table=settings.labels_table)
            found.append(replace(one, case=names[path]))
        except SneakyNetError as error:
            failed.append((str(path), str(error)))
            if len(files) > 1:  # the only one's is told at the end
                print(f"error: {error}", file=sys.stderr)
    return found, failed


def _rendered(found: Sequence[Inspection]) -> Table:
    """One row per flag, worst first within its case and worst case first."""
    view = Table(box=None, pad_edge=False)
    for header in ("case", "score", "part"):
        view.add_column(header, overflow="fold")
    view.add_column("", justify="right")
    view.add_column("what to look at", overflow="fold")
    rows: list[tuple[str, ...]] = []
    for one in worst_first(found):
        score = "-" if one.score is None else f"{one.score:.2f}"
        if one.score is None:
            rows.append((one.case, score, "", "", "nothing to judge: no bone of the table"))
        elif not one.flags:
            rows.append((one.case, score, "", "", "nothing"))
        rows += [(one.case, score, name, f"{flag.score:.2f}", flag.evidence) for name, flag in one.flags]
    for row in rows[:_SHOWN]:
        view.add_row(*row)
    if len(rows) > _SHOWN:
        view.add_row("...", "", "", "", f"and {len(rows) - _SHOWN} more; -o DIR or --json has them all")
    return view


def _conclude(found: Sequence[Inspection], failed: Sequence[tuple[str, str]], settings: InspectSettings) -> None:
    """Errors first: they weigh more than a low score."""
    if len(failed) == 1 and not found:
        raise SneakyNetError(failed[0][1])
    if failed:
        names = ", ".join(file for file, _ in failed)
        msg = f"{len(failed)} of {len(failed) + len(found)} label maps could not be inspected: {names}; "
        msg += "the others are done" if found else "none was left"
        raise SneakyNetError(msg)
    if settings.fail_below is not None:
        low = [one.case for one in worst_first(found) if one.score is None or one.score < settings.fail_below]
        if low:
            print(f"{len(low)} of {len(found)} score below {settings.fail_below:g}: {', '.join(low)}", file=sys.stderr)
            raise SystemExit(1)
