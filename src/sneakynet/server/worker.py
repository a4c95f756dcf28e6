"""What a worker's process does: load the model once, then one scan after the other, as it is told."""

import logging
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from sneakynet.cohort.case import Case, Outcome
from sneakynet.cohort.kept_messages import KeptMessages
from sneakynet.cohort.model_choice import ModelChoice
from sneakynet.cohort.stages import attempt, find_bones, read_case, write_case
from sneakynet.errors import SneakyNetError
from sneakynet.evaluation.labelled_scan import LabelledScan
from sneakynet.export.algorithm import Algorithm, recorded_algorithm
from sneakynet.export.dicom_labels import write_dicom_labels
from sneakynet.inference.predictor import Predictor
from sneakynet.server.job_store import Step
from sneakynet.viewer.browser.view_data import MANIFEST, Layer, write_view
from sneakynet.viewer.browser.view_meshes import write_view_meshes
from sneakynet.viewer.scan_report.content import found_by, report_content
from sneakynet.viewer.scan_report.files import write_reports
from sneakynet.volumes.atomic import sweep_parts, write_whole
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.source_series import read_source_series


@dataclass(frozen=True)
class Work:
    """One scan, and what is to be made of it.

    Args:
        case: the scan and its main results.
        seg: file for a DICOM SEG; None where the scan is no DICOM.
        view: folder for what the viewer shows; None where nobody looks.
        glb: file for the surfaces; None where none are wanted.
        report: file for the report, HTML; None where none is wanted.
        notes: what is told of it besides.
    """

    case: Case
    seg: Path | None = None
    view: Path | None = None
    glb: Path | None = None
    report: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True)
class Broken:
    """The model cannot be loaded.

    Args:
        reason: why.
    """

    reason: str


@dataclass(frozen=True)
class Finished:
    """A scan's work has ended.

    Args:
        outcome: what became of it.
        notes: warnings, and results that could not be made.
    """

    outcome: Outcome
    notes: tuple[str, ...]


Message = Ready | Broken | Step | Finished


def work(connection: Connection, model: ModelChoice, device: str) -> None:
    """Run until the connection closes or the server's process ends. Started in a process of its own.

    Args:
        connection: gives `Work`, and takes a `Message` for each thing that happens.
        model: which.
        device: where it computes.
    """
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    kept = KeptMessages(logging.WARNING)
    logger = logging.getLogger("sneakynet")
    logger.addHandler(kept)
    logger.propagate = False  # they go to who sent the scan, not into the server's log
    try:
        predictor = model.load(device)
    except SneakyNetError as error:
        connection.send(Broken(str(error)))
        return
    connection.send(Ready())
    while True:
        try:
            job: Work = connection.recv()
        except EOFError:
            return
        kept.take()
        outcome, notes = do(job, predictor, tell=connection.send)
        connection.send(Finished(outcome, (*kept.take(), *notes)))


def do(job: Work, predictor: Predictor, *, tell: Callable[[Step], None]) -> tuple[Outcome, tuple[str, ...]]:
    """Segment a scan, and make what is made from its labels.

    Args:
        job: what to do.
        predictor: the network.
        tell: told how far it is.

    Returns:
        What became of it, and its notes: those of the job, and which further results could not be made. These fail
        nothing: the labels are there.
    """
    case = job.case
    outcome = attempt(case, lambda: _segment(case, predictor, tell))
    if outcome.status == "failed":
        return outcome, ()
    notes = [*job.notes]
    for path, what, make in (
        (job.seg, "DICOM SEG", _write_seg),
        (job.view, "pictures for the viewer", _write_view),
        (job.glb, "surfaces", _write_glb),  # those of the view, too
        (job.report, "report", partial(_write_report, names=outcome.order)),
    ):
        if path is None:
            continue
        tell(Step(f"writing the {what}"))
        failed = attempt(case, lambda make=make, path=path: make(job, path, predictor))  # type: ignore[misc]
        if failed is not None and failed.error is not None:
            notes.append(f"no {what}: {failed.error}")
    return outcome, tuple(notes)


def _segment(case: Case, predictor: Predictor, tell: Callable[[Step], None]) -> Outcome:
    tell(Step("reading the scan"))
    read = read_case(case)
    found = find_bones(read, predictor, progress=lambda done, total: tell(Step("finding the bones", done, total)))
    tell(Step("writing the labels"))
    return write_case(found)


def _write_seg(job: Work, path: Path, predictor: Predictor) -> Outcome | None:
    case = job.case
    sweep_parts((path,))
    write_dicom_labels(
        path,
        read_labels(case.labels),  # as they were written: cleaned up, if that was asked for
        kind="seg",
        table=predictor.header.table,
        source=read_source_series(case.input, series=case.series),
        algorithm=recorded_algorithm(case.statistics) or Algorithm.sneakynet({}),
    )
    return None


def _write_view(job: Work, path: Path, predictor: Predictor) -> Outcome | None:
    case = job.case
    shutil.rmtree(path, ignore_errors=True)  # of a worker that died over it
    try:
        write_view(
            path,
            read_volume(case.input, series=case.series),
            [Layer("labels", "Labels", case.labels.name, read_labels(case.labels))],
            table=predictor.header.table,
            name=_short_name(case),
            compress=True,
            surfaces=job.glb is not None,
        )
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return None


def _write_glb(job: Work, path: Path, predictor: Predictor) -> Outcome | None:
    sweep_parts((path,))
    if job.view is not None and (job.view / MANIFEST).is_file():
        (layer,) = write_view_meshes(job.view, table=predictor.header.table)["layers"]
        if layer["glb"] is not None:
            with write_whole(path) as part:
                shutil.copyfile(job.view / layer["glb"], part)
        return None
    # These come with an extra.
    from sneakynet.export.meshes.bone_meshes import bone_meshes
    from sneakynet.export.meshes.glb import write_glb

    meshes = bone_meshes(read_labels(job.case.labels), table=predictor.header.table)
    if meshes:
        write_glb(path, meshes, facts={"labels": job.case.labels.name})
    return None


def _short_name(case: Case) -> str:
    """How the pages call the scan."""
    return f"Scan {case.name[:8]}"


def _write_report(job: Work, path: Path, predictor: Predictor, *, names: str | None) -> Outcome | None:
    case = job.case
    sweep_parts((path,))
    labels = canonical(read_labels(case.labels))
    scan = canonical(read_volume(case.input, series=case.series))
    content = report_content(
        LabelledScan(_short_name(case), labels, scan),
        table=predictor.header.table,
        facts=found_by(predictor.name, names),
    )
    write_reports((path,), content)
    return None


def _end_with_the_server() -> None:
    """A server that was killed cannot end its workers; they would hold memory for nobody."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
