"""The three stages of a scan: read it, find its bones, write what was found."""

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import torch

from sneakynet.cohort.case import Case, Outcome
from sneakynet.errors import SneakyNetError
from sneakynet.evaluation.labelled_scan import LabelledScan
from sneakynet.export.algorithm import Algorithm
from sneakynet.export.dicom_labels import check_installed, write_dicom_labels
from sneakynet.export.statistics import case_record, write_record
from sneakynet.inference.cleanup import clean
from sneakynet.inference.memory import Forecast
from sneakynet.inference.predictor import Predictor, Progress
from sneakynet.inference.segmentation import Segmentation
from sneakynet.viewer.preview import write_preview
from sneakynet.viewer.scan_report.content import found_by, report_content
from sneakynet.viewer.scan_report.files import write_reports
from sneakynet.volumes.atomic import make_folder, sweep_parts
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.source_series import SourceSeries, read_source_series
from sneakynet.volumes.stamp import Stamp, check_unchanged
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

T = TypeVar("T")

Planned = Callable[[Case, Forecast], None]
"""Told the memory that a case will take, before any work."""


@dataclass(frozen=True, eq=False)
class ReadCase:
    """A case whose scan is in memory.

    Args:
        case: which.
        scan: Hounsfield units.
        stamp: of the scan's files, from before they were read.
        seconds: spent on it so far.
        source: the scan's headers, where the labels become a DICOM object.
    """

    case: Case
    scan: Volume
    stamp: Stamp
    seconds: float
    source: SourceSeries | None = None


@dataclass(frozen=True, eq=False)
class FoundCase:
    """A case whose bones are known.

    Args:
        read: the scan.
        segmentation: its bones.
        seconds: spent on it so far.
    """

    read: ReadCase
    segmentation: Segmentation
    seconds: float


def read_case(case: Case) -> ReadCase:
    """Read a scan.

    Raises:
        SneakyNetError: see `read_volume` and, where the labels become a DICOM object, `read_source_series`.
    """
    started = time.monotonic()
    stamp = Stamp.of(case.input)
    source = None
    if case.dicom is not None:
        # Before the scan is read and worked on: what cannot be written is refused at once.
        check_installed(case.dicom)
        source = read_source_series(case.input, series=case.series)
    scan = read_volume(case.input, series=case.series)
    return ReadCase(case, scan, stamp, time.monotonic() - started, source)


def find_bones(
    read: ReadCase,
    predictor: Predictor,
    *,
    progress: Progress,
    planned: Planned = lambda case, forecast: None,
    another: bool = False,
) -> FoundCase:
    """Segment a scan.

    Args:
        read: the scan.
        predictor: the network.
        progress: see `Predictor.segment`.
        planned: told the memory that it will take, before any work.
        another: whether another scan is read meanwhile; it is taken to be as large as this one.

    Raises:
        SneakyNetError: see `Predictor.segment`.
    """
    started = time.monotonic()
    case = read.case
    make_folder(case.labels.parent)
    segmentation = predictor.segment(
        read.scan,
        confidence=case.confidence is not None,
        mirror=case.options.mirror,
        folder=case.labels.parent,
        memory_limit=case.options.memory_limit,
        reserve=read.scan.voxels.nbytes if another else 0,
        planned=partial(planned, case),
        progress=progress,
    )
    return FoundCase(read, segmentation, read.seconds + time.monotonic() - started)


def write_case(found: FoundCase) -> Outcome:
    """Write the files of a case, and remove what a killed run left of them.

    Raises:
        VolumeError: the scan has changed since it was read.
        OutputError: a file cannot be written.
    """
    started = time.monotonic()
    case, scan = found.read.case, found.read.scan
    check_unchanged(case.input, found.read.stamp)
    sweep_parts(case.files)
    segmentation, report = found.segmentation, None
    if case.options.order:
        segmentation = segmentation.in_order()
    order = segmentation.order
    if case.options.cleanup.active:
        labels, report = clean(segmentation.labels, table=segmentation.table, settings=case.options.cleanup)
        segmentation = replace(segmentation, labels=labels)
    record = case_record(segmentation, scan, case=case.name, cleanup=report)
    # The labels last: where they are, the case is complete, and a stopped run goes on behind it.
    if case.preview is not None:
        write_preview(case.preview, segmentation, scan, title=case.name)
    if case.confidence is not None and segmentation.confidence is not None:
        write_scan(case.confidence, segmentation.confidence)
    write_record(case.statistics, record)
    if case.report:
        _write_report(case, segmentation, scan)
    _write_labels(found.read, segmentation)
    seconds = found.seconds + time.monotonic() - started
    return case.done(
        bones=len(segmentation.present),
        seconds=round(seconds, 2),
        order=order.summary if order is not None and order.told else None,
        cleanup=None if report is None else report.summary,
    )


def _write_report(case: Case, segmentation: Segmentation, scan: Volume) -> None:
    confidence = None if segmentation.confidence is None else canonical(segmentation.confidence)
    model, order = str(segmentation.model.get("name") or ""), segmentation.order
    content = report_content(
        LabelledScan(case.name, canonical(segmentation.labels), canonical(scan), confidence),
        table=segmentation.table,
        facts=found_by(model, order.summary if order is not None and order.told else None),
    )
    write_reports(case.report, content)


def _write_labels(read: ReadCase, segmentation: Segmentation) -> None:
    case = read.case
    if case.dicom is None or read.source is None:
        segmentation.save(case.labels)
        return
    write_dicom_labels(
        case.labels,
        segmentation.labels,
        kind=case.dicom,
        table=segmentation.table,
        source=read.source,
        algorithm=Algorithm.sneakynet(segmentation.model),
    )


def segment_case(
    case: Case,
    predictor: Predictor,
    *,
    progress: Progress = lambda done, total: None,
    planned: Planned = lambda case, forecast: None,
) -> Outcome:
    """All three stages, one after the other.

    Args:
        case: what to do.
        predictor: the network.
        progress: see `Predictor.segment`.
        planned: see `find_bones`.

    Raises:
        SneakyNetError: what went wrong in a stage.
    """
    return write_case(find_bones(read_case(case), predictor, progress=progress, planned=planned))


def attempt(case: Case, stage: Callable[[], T]) -> T | Outcome:
    """Run a stage of one case among many: whatever goes wrong is the outcome of that case alone.

    Only the text of an error is kept: its traceback would hold the scan.

    Args:
        case: whose stage it is.
        stage: what to run.

    Returns:
        What the stage gives, or the failed outcome.
    """
    try:
        return stage()
    except SneakyNetError as error:
        return case.failed(str(error))
    except (MemoryError, torch.OutOfMemoryError):
        return case.failed("out of memory; close other programs or give a smaller scan")
    except Exception as error:  # one scan among a thousand must not end the night's work
        return case.failed(
            f"{type(error).__name__}: {error} (a fault of sneakynet, not of the scan: run "
            f"`sneakynet --debug segment {shlex.quote(str(case.input))} ...` on it alone and report what it prints)"
        )
