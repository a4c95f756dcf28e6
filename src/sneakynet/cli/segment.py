"""``sneakynet segment``: find the bones in one scan or in many."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from sneakynet.cohort.bars import CohortBars
from sneakynet.cohort.case import Case, LabelFormat, Outcome, plan_cases
from sneakynet.cohort.case_options import CaseOptions
from sneakynet.cohort.model_choice import ModelChoice
from sneakynet.cohort.pipeline import segment_here
from sneakynet.cohort.scans import find_scans, read_list
from sneakynet.cohort.stages import segment_case
from sneakynet.cohort.tables import write_tables
from sneakynet.counted import counted
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.inference.cleanup_settings import CleanupSettings, check_cleanup_settings
from sneakynet.inference.device import Precision
from sneakynet.inference.memory import Forecast, parse_size
from sneakynet.inference.predictor import Predictor
from sneakynet.inference.progress import tile_bar
from sneakynet.viewer.scan_report.content import check_report_packages
from sneakynet.volumes.atomic import make_folder


@dataclass(frozen=True)
class SegmentSettings:
    """What to segment, by which model, and where to write."""

    input: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Scans: NIfTI, NRRD, MHA/MHD, a folder or zip with a DICOM series, or a folder of scans."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results: labels, statistics, a picture for each scan, and tables over several; made if missing."""
    list: Path | None = None
    """Text file that names further scans, one a line; # begins a comment."""
    model: Annotated[Path, tyro.conf.arg(metavar="{default,fine}|PATH")] = Path("default")
    """What comes with sneakynet: default (3 mm), or fine (2 mm), better at hands and thin bones in three times as long;
    or a weights file, or a folder that `sneakynet export` wrote."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 ...; auto takes the first GPU if there is one."""
    precision: Precision = "auto"
    """Of the convolutions: f32, bf16, on a GPU also f16; auto takes bf16 on a GPU and on processors made for it."""
    threads: int | None = None
    """Of the processor; by default as many as it has cores."""
    memory_limit: str | None = None
    """Memory that may be taken, on a GPU the GPU's, such as 4G or 1500M; by default what is at hand."""
    mirror: bool = False
    """Also run the network with left and right exchanged, and average: twice the time."""
    confidence: bool = False
    """Also write how probable each voxel's label is, in percent."""
    order: bool = True
    """Rename vertebrae, ribs and sides that contradict the order in which everyone's bones follow each other; the
    statistics say what was renamed, and what is doubtful."""
    report: bool = False
    """Also write a page about the bones of each scan, as HTML and as PDF; needs sneakynet[mesh]."""
    clean: CleanupSettings = field(default_factory=CleanupSettings)
    """What is done to the labels afterwards; off unless asked for."""
    format: LabelFormat = "nii.gz"
    """Kind of the label files: NIfTI, 3D Slicer segmentation, or DICOM objects for scans that are DICOM series."""
    series: str | None = None
    """Which DICOM series to take where a folder holds several."""
    no_preview: bool = False
    """Draw no picture."""
    overwrite: bool = False
    """Do scans again whose labels are already in the output folder; otherwise they are left as they are."""
    json: bool = False
    """Print what was done with each scan as a JSON list."""
    engine: Literal["local", "ray"] = "local"
    """Who works: this process, or workers of a Ray cluster that each do whole scans."""
    address: str | None = None
    """The Ray cluster to join, auto or HOST:PORT; by default one is started on this machine for the run."""
    workers: int | None = None
    """Workers of the Ray cluster; by default as many as it has GPUs, and without GPUs machines."""
    retries: int = 2
    """How often a scan is tried again whose worker died (Ray)."""


def run(settings: SegmentSettings) -> None:
    """Segment the scans; one that cannot be read does not stop the others.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: a wrong option, before any work; or some of the scans failed.
    """
    _check_engine(settings)
    check_cleanup_settings(settings.clean)
    if settings.report:
        check_report_packages()
    limit = None if settings.memory_limit is None else parse_size(settings.memory_limit)
    listed = () if settings.list is None else read_list(settings.list)
    scans = find_scans((*settings.input, *listed), output=settings.output, series=settings.series)
    cases = plan_cases(
        scans,
        settings.output,
        format=settings.format,
        preview=not settings.no_preview,
        confidence=settings.confidence,
        report=settings.report,
        series=settings.series,
        options=CaseOptions(mirror=settings.mirror, memory_limit=limit, order=settings.order, cleanup=settings.clean),
    )
    outcomes = {case.name: case.skipped() for case in cases if case.labels.exists() and not settings.overwrite}
    for outcome in outcomes.values():
        _say(outcome)
    waiting = [case for case in cases if case.name not in outcomes]
    if waiting:
        work = _on_cluster if settings.engine == "ray" else _alone if len(cases) == 1 else _here
        outcomes |= {outcome.case: outcome for outcome in work(waiting, settings)}
    write_tables(settings.output, cases)
    _conclude([outcomes[case.name] for case in cases], settings)


def _check_engine(settings: SegmentSettings) -> None:
    given = [name for name in ("address", "workers") if getattr(settings, name) is not None]
    if settings.engine == "local" and given:
        msg = f"--{given[0]} is for a Ray cluster; add --engine ray, or leave it out"
        raise SettingError(msg)
    if settings.retries < 0:
        msg = f"retries must be at least 0, got {settings.retries}"
        raise SettingError(msg)


def _alone(cases: list[Case], settings: SegmentSettings) -> list[Outcome]:
    """Do the only case there is; what is wrong with it is raised."""
    predictor = _predictor(settings)
    with tile_bar(cases[0].name) as progress:
        outcome = segment_case(cases[0], predictor, progress=progress, planned=_announce)
    _say(outcome)
    return [outcome]


def _here(cases: list[Case], settings: SegmentSettings) -> list[Outcome]:
    """Do the cases in this process."""
    predictor = _predictor(settings)
    with CohortBars(len(cases)) as bars:
        outcomes, report = _reports(bars)
        segment_here(cases, predictor, report=report, begin=bars.begin, planned=_announce)
    return outcomes


def _on_cluster(cases: list[Case], settings: SegmentSettings) -> list[Outcome]:
    """Have the cases done by workers."""
    # Ray comes with an extra.
    from sneakynet.cohort.cluster import ClusterSettings, segment_on_cluster

    cluster = ClusterSettings(
        address=settings.address, workers=settings.workers, device=settings.device, retries=settings.retries
    )
    with CohortBars(len(cases)) as bars:
        outcomes, report = _reports(bars)
        segment_on_cluster(cases, _model(settings), cluster, report=report)
    return outcomes


def _model(settings: SegmentSettings) -> ModelChoice:
    return ModelChoice(settings.model, precision=settings.precision, threads=settings.threads)


def _predictor(settings: SegmentSettings) -> Predictor:
    predictor = _model(settings).load(settings.device)
    make_folder(settings.output)
    return predictor


def _reports(bars: CohortBars) -> tuple[list[Outcome], Callable[[Outcome], None]]:
    """A list, and what to tell outcomes: they are printed, counted and put on the list."""
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        _say(outcome)
        bars.advance()
        outcomes.append(outcome)

    return outcomes, report


def _conclude(outcomes: list[Outcome], settings: SegmentSettings) -> None:
    """Print the list if it is asked for, and sum up what failed."""
    if settings.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=2))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed and len(outcomes) == 1:
        raise SneakyNetError(failed[0].error)
    if failed:
        names = ", ".join(outcome.case for outcome in failed)
        msg = f"{len(failed)} of {len(outcomes)} scans failed: {names}; the others are done"
        raise SneakyNetError(msg)


def _announce(case: Case, forecast: Forecast) -> None:
    print(f"{case.name}: will take {forecast}", file=sys.stderr)


def _say(outcome: Outcome) -> None:
    match outcome.status:
        case "done":
            text = f"{outcome.case}: {counted(outcome.bones or 0, 'bone')} in {outcome.seconds:.1f} s, {outcome.labels}"
            if outcome.order is not None:
                text += f"\n{outcome.case}: order: {outcome.order}"
            if outcome.cleanup is not None:
                text += f"\n{outcome.case}: clean-up: {outcome.cleanup}"
        case "skipped":
            text = f"{outcome.case}: already there, left as it is ({outcome.labels}); --overwrite does it again"
        case "failed":
            text = f"error: {outcome.case}: {outcome.error}"
    print(text, file=sys.stderr)
