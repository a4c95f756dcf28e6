"""``sneakynet measure``: the bones of label maps in figures, and a table over all of them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import track
from tyro.conf import Positional

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.evaluation.labelled_scan import read_labelled_scan
from sneakynet.evaluation.measures.bone_measures import BoneMeasures, measure_bones
from sneakynet.evaluation.measures.cohort_lines import cohort_lines
from sneakynet.evaluation.measures.tables import BONES, COHORT, bones_csv, cohort_csv
from sneakynet.evaluation.pairing import case_names, label_maps, scans_of
from sneakynet.evaluation.translation import foreign_labels, warn_of_unnamed
from sneakynet.volumes.atomic import claimed_folder, write_whole

FORMAT = "sneakynet measures"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class MeasureSettings:
    """What to measure, and where to write the figures."""

    labels: Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="LABELS [MORE ...]")]]
    """Label maps, or folders of them."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for bones.csv, cohort.csv and measures.json; made if missing."""
    scan: Path | None = None
    """Scan that the labels were found in, or folder of scans with the same names; with it, densities are measured."""
    labels_table: str | None = None
    """Whose labels they are: a scheme (totalsegmentator, verse) or a CSV file; by default the label names decide."""
    table: Path | None = None
    """CSV file of another bone table, instead of the package's own."""
    json: bool = False
    """Print the figures to stdout as JSON."""


def run(settings: MeasureSettings) -> None:
    """Measure each label map; one that cannot be used does not stop the others.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, before any work; or some of the label maps could not be measured.
    """
    if not settings.labels:
        msg = "give label maps to measure, or folders of them: sneakynet measure LABELS -o DIR"
        raise SettingError(msg)
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    if settings.labels_table is not None:
        foreign_labels(settings.labels_table, table)  # told once, and not for every file
    files = label_maps(settings.labels)
    if settings.labels_table is None:
        warn_of_unnamed(files)
    scans = {} if settings.scan is None else scans_of(files, settings.scan)
    with claimed_folder(settings.output):
        cases, failed = _measured(files, scans, table, settings)
        record = _record(cases, failed)
        if cases:
            _write(settings.output, cases, record)
        if settings.json:
            print(record)
        _conclude(cases, failed)


def _measured(
    files: Sequence[Path], scans: dict[Path, Path], table: BoneTable, settings: MeasureSettings
) -> tuple[dict[str, tuple[BoneMeasures, ...]], list[tuple[str, str]]]:
    """The bones of each case, and the files that could not be measured with the reason."""
    cases: dict[str, tuple[BoneMeasures, ...]] = {}
    failed: list[tuple[str, str]] = []
    names = case_names(files)
    console = Console(stderr=True)
    for path in track(files, "measuring", console=console, transient=True, disable=not console.is_terminal):
        try:
            one = read_labelled_scan(path, scans.get(path), table=table, labels_table=settings.labels_table)
            cases[names[path]] = measure_bones(one.labels, one.scan, table=table, confidence=one.confidence)
        except SneakyNetError as error:
            failed.append((str(path), str(error)))
            if len(files) > 1:  # the only one's is told at the end
                print(f"error: {error}", file=sys.stderr)
    return cases, failed


def _record(cases: dict[str, tuple[BoneMeasures, ...]], failed: Sequence[tuple[str, str]]) -> str:
    record = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "software": f"sneakynet {version('sneakynet')}",
        "world": "mm, RAS+: x grows to the patient's right, y to anterior, z to superior",
        "cases": [{"case": case, "bones": [asdict(bone) for bone in bones]} for case, bones in cases.items()],
        "cohort": [asdict(line) for line in cohort_lines(cases)],
        "failed": [{"file": file, "error": error} for file, error in failed],
    }
    return json.dumps(record, indent=2)


def _write(folder: Path, cases: dict[str, tuple[BoneMeasures, ...]], record: str) -> None:
    """Write the three files, all or none, and say so."""
    with (
        write_whole(folder / BONES) as bones,
        write_whole(folder / COHORT) as cohort,
        write_whole(folder / "measures.json") as whole,
    ):
        bones.write_text(bones_csv(cases), encoding="utf-8")
        cohort.write_text(cohort_csv(cases), encoding="utf-8")
        whole.write_text(record + "\n", encoding="utf-8")
    count = sum(map(len, cases.values()))
    print(f"{folder / BONES}: {counted(count, 'bone')} of {counted(len(cases), 'case')}", file=sys.stderr)


def _conclude(cases: dict[str, tuple[BoneMeasures, ...]], failed: Sequence[tuple[str, str]]) -> None:
    if len(failed) == 1 and not cases:
        raise SneakyNetError(failed[0][1])
    if failed:
        names = ", ".join(file for file, _ in failed)
        msg = f"{len(failed)} of {len(failed) + len(cases)} label maps could not be measured: {names}; "
        msg += "the others are done" if cases else "none was left"
        raise SneakyNetError(msg)
