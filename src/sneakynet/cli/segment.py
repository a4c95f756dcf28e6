"""``sneakynet segment``: find the bones in one scan or in many."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.export.statistics import case_record, write_record
from sneakynet.inference.device import Precision
from sneakynet.inference.predictor import Predictor
from sneakynet.inference.progress import tile_bar
from sneakynet.viewer.preview import write_preview
from sneakynet.volumes.atomic import make_folder
from sneakynet.volumes.read import read_volume

_ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".mhd", ".zip")


@dataclass(frozen=True)
class SegmentSettings:
    """What to segment, by which model, and where to write."""

    input: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scans: NIfTI, NRRD, MHA/MHD, or a folder or zip with a DICOM series."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results: labels, statistics (JSON) and a picture (PNG) per scan; made if missing."""
    model: Path | None = None
    """Weights file; by default the one that comes with sneakynet."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 ...; auto takes the first GPU if there is one."""
    precision: Precision = "auto"
    """Of the convolutions: f32, bf16, or auto, which takes bf16 on a GPU and on processors made for it."""
    format: Literal["nii.gz", "seg.nrrd"] = "nii.gz"
    """Kind of the label files: NIfTI, or 3D Slicer segmentation."""
    series: str | None = None
    """Which DICOM series to take where a folder holds several."""
    no_preview: bool = False
    """Draw no picture."""
    overwrite: bool = False
    """Do scans again whose labels are already in the output folder; otherwise they are left as they are."""
    json: bool = False
    """Print what was done with each scan as a JSON list."""


@dataclass(frozen=True)
class _Case:
    """One scan and where its results go."""

    name: str
    input: Path
    labels: Path
    statistics: Path
    preview: Path | None


@dataclass(frozen=True)
class _Outcome:
    """What became of one scan."""

    case: str
    status: Literal["done", "skipped", "failed"]
    labels: str | None = None
    statistics: str | None = None
    preview: str | None = None
    bones: int | None = None
    seconds: float | None = None
    error: str | None = None


def run(settings: SegmentSettings) -> None:
    """Segment the scans one after the other; one that cannot be read does not stop the others.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, before any work; or some of the scans failed.
    """
    cases = _plan(settings)
    predictor = Predictor.load(settings.model, device=settings.device, precision=settings.precision)
    make_folder(settings.output)
    outcomes = []
    for number, case in enumerate(cases, start=1):
        if case.labels.exists() and not settings.overwrite:
            _say(f"{case.name}: already there, left as it is ({case.labels}); --overwrite does it again")
            outcomes.append(_Outcome(case.name, "skipped", labels=str(case.labels)))
            continue
        label = case.name if len(cases) == 1 else f"{case.name} ({number} of {len(cases)})"
        try:
            outcomes.append(_segment(case, predictor, series=settings.series, label=label))
        except SneakyNetError as error:
            if len(cases) == 1:
                raise
            _say(f"error: {case.name}: {error}")
            outcomes.append(_Outcome(case.name, "failed", error=str(error)))
    if settings.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    failed = [outcome.case for outcome in outcomes if outcome.status == "failed"]
    if failed:
        msg = f"{len(failed)} of {len(cases)} scans failed: {', '.join(failed)}; the others are done"
        raise SneakyNetError(msg)


def _plan(settings: SegmentSettings) -> list[_Case]:
    """Every scan's name and files; nothing is read or written yet.

    Raises:
        SettingError: no scan, two scans of one name, or a result that would take the place of a scan.
    """
    if not settings.input:
        msg = "no scan was given; name at least one file or DICOM folder"
        raise SettingError(msg)
    seen: dict[str, Path] = {}
    cases = []
    for path in settings.input:
        name = case_name(path)
        if name in seen:
            msg = f"{seen[name]} and {path} would both be written as {name!r}; rename one, or run them into two folders"
            raise SettingError(msg)
        seen[name] = path
        cases.append(
            _Case(
                name=name,
                input=path,
                labels=settings.output / f"{name}.{settings.format}",
                statistics=settings.output / f"{name}.json",
                preview=None if settings.no_preview else settings.output / f"{name}.png",
            )
        )
    inputs = {path.resolve() for path in settings.input}
    for case in cases:
        if case.labels.resolve() in inputs:
            msg = f"the labels would overwrite the scan {case.labels}; choose another output folder"
            raise SettingError(msg)
    return cases


def case_name(path: Path) -> str:
    """Name of a scan: its file's without the ending, or its folder's.

    Args:
        path: file or folder.
    """
    name = path.name or path.resolve().name
    for ending in _ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def _segment(case: _Case, predictor: Predictor, *, series: str | None, label: str) -> _Outcome:
    started = time.monotonic()
    scan = read_volume(case.input, series=series)
    with tile_bar(label) as progress:
        segmentation = predictor.segment(scan, progress=progress)
    record = case_record(segmentation, scan, case=case.name)
    # The labels last: where they are, the case is complete, and a stopped run goes on behind it.
    if case.preview is not None:
        write_preview(case.preview, segmentation, scan, title=case.name)
    write_record(case.statistics, record)
    segmentation.save(case.labels)
    seconds = round(time.monotonic() - started, 2)
    bones = len(segmentation.present)
    _say(f"{case.name}: {bones} bones in {seconds:.1f} s, {case.labels}")
    return _Outcome(
        case=case.name,
        status="done",
        labels=str(case.labels),
        statistics=str(case.statistics),
        preview=None if case.preview is None else str(case.preview),
        bones=bones,
        seconds=seconds,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)
