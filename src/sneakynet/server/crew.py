"""The workers: each a process that may die, with a thread that gives it scans and sees what becomes of them."""

import logging
import multiprocessing
import threading
import time
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from sneakynet.cohort.case import Case
from sneakynet.cohort.case_options import CaseOptions
from sneakynet.cohort.model_choice import ModelChoice
from sneakynet.errors import SneakyNetError
from sneakynet.server.job import Job
from sneakynet.server.job_store import JobStore, Step
from sneakynet.server.limits import Limits
from sneakynet.server.worker import Broken, Finished, Message, Ready, Work, work

_LOG = logging.getLogger(__name__)

# Seconds.
_LOOK = 0.2  # between looks at whether a job was deleted or the server is to stop
_LONGEST_START = 600.0
_DYING = 5.0
_PAUSE_AFTER_DEATH = 1.0


@dataclass(frozen=True)
class CrewSettings:
    """How scans are worked on.

    Args:
        model: each worker loads it once.
        device: where it computes.
        workers: how many.
        options: of every scan.
        preview: draw a picture.
        meshes: make surfaces.
        view: make what the viewer shows.
        report: write the report.
        job_seconds: that a scan may take.
        disk: bytes of all scans and results beyond which only labels, statistics and DICOM SEG are made.
    """

    model: ModelChoice = field(default_factory=ModelChoice)
    device: str = "auto"
    workers: int = 1
    options: CaseOptions = field(default_factory=CaseOptions)
    preview: bool = True
    meshes: bool = True
    view: bool = True
    report: bool = True
    job_seconds: float = 4 * 3600.0
    disk: int = Limits.disk


class Crew:
    """Does the jobs of a store until it is stopped.

    Args:
        store: the queue.
        settings: how.
    """

    def __init__(self, store: JobStore, settings: CrewSettings) -> None:
        self._store, self._settings = store, settings
        self._stopping = threading.Event()
        self._posts = [_Post(store, settings, self._stopping) for _ in range(settings.workers)]
        self._threads = [threading.Thread(target=post.serve, daemon=True) for post in self._posts]

    @property
    def pids(self) -> list[int]:
        """The workers' processes."""
        return [post.process.pid for post in self._posts if post.process is not None and post.process.pid is not None]

    def start(self) -> None:
        """Load the models, then begin with the queue.

        Raises:
            SneakyNetError: the model cannot be loaded.
        """
        try:
            for post in self._posts:
                post.start()
            for post in self._posts:
                post.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the workers at once; what they had in hand waits again."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        for post in self._posts:
            post.end()


class _Post:
    """One worker's place: its process, and a new one after it dies."""

    def __init__(self, store: JobStore, settings: CrewSettings, stopping: threading.Event) -> None:
        self._store, self._settings, self._stopping = store, settings, stopping
        self.process: BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        # Not forked: a copy of a process with threads may hang.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(
            target=work, args=(theirs, self._settings.model, self._settings.device), daemon=True
        )
        self.process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        message = self._next(until=time.monotonic() + _LONGEST_START)
        if isinstance(message, Broken):
            raise SneakyNetError(message.reason)
        if not isinstance(message, Ready):
            msg = f"the worker ended before its model was loaded ({self._death()}); most often memory ran out"
            raise SneakyNetError(msg)

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join(_DYING)
            if self.process.is_alive():
                self.process.kill()
                self.process.join()
        if self._connection is not None:
            self._connection.close()
        self.process = self._connection = None

    def serve(self) -> None:
        """Do jobs until the crew stops."""
        while not self._stopping.is_set():
            if self.process is None and not self._restart():
                continue
            job = self._store.take(timeout=_LOOK)
            if job is not None:
                self._do(job)

    def _restart(self) -> bool:
        try:
            self.start()
            self.wait_until_ready()
        except SneakyNetError as error:
            _LOG.error("%s; trying again", error)
            self.end()
            self._stopping.wait(_PAUSE_AFTER_DEATH)
            return False
        return True

    def _do(self, job: Job) -> None:
        _LOG.info("scan %s: begun", job.id)
        try:
            self._store.place(job).results.mkdir(exist_ok=True)
        except OSError as error:  # the disk is full, or the job was deleted just now
            self._store.failed(job.id, f"the server cannot write its results: {error.strerror}")
            return
        try:
            if self._connection is not None:
                self._connection.send(_work(self._store, job, self._settings))
        except OSError:  # the worker has died since its last scan; this one is not at fault
            self._store.put_back(job.id)
            self.end()
            return
        self._follow(job)

    def _follow(self, job: Job) -> None:
        """See a job to its end, whatever that is."""
        until = time.monotonic() + self._settings.job_seconds
        while True:
            message = self._next(until=min(until, time.monotonic() + _LOOK))
            if isinstance(message, Step):
                self._store.report(job.id, message)
                continue
            if isinstance(message, Finished):
                self._finish(job, message)
            elif self._stopping.is_set():
                self._store.put_back(job.id)
            elif self._store.get(job.id) is None:
                _LOG.info("scan %s: deleted while it was worked on", job.id)
                self.end()
            elif self.process is None or not self.process.is_alive():
                how = self._death()
                _LOG.warning("scan %s: the worker died (%s)", job.id, how)
                self._store.died(job.id, how)
                self.end()
            elif time.monotonic() > until:
                _LOG.warning("scan %s: given up, it took too long", job.id)
                self._store.failed(job.id, f"it took more than {self._settings.job_seconds / 60:g} minutes")
                self.end()
            else:
                continue
            return

    def _next(self, *, until: float) -> Message | None:
        """The worker's next message; None when it has died or the time is over."""
        if self._connection is None or self.process is None:
            return None
        wait([self._connection, self.process.sentinel], max(until - time.monotonic(), 0))
        try:
            if self._connection.poll():  # what it still said before it died
                message: Message = self._connection.recv()
                return message
        except (EOFError, OSError):
            self.process.join(_DYING)
        return None

    def _finish(self, job: Job, message: Finished) -> None:
        scan = str(self._store.place(job).scan)
        notes = tuple(note.replace(scan, "the scan") for note in message.notes)
        outcome = message.outcome
        if outcome.status == "failed":
            # Why is told to who sent the scan: it may quote the file, and a log is read by others.
            _LOG.info("scan %s: failed", job.id)
            self._store.failed(job.id, (outcome.error or "unknown").replace(scan, "the scan"), notes=notes)
            return
        _LOG.info("scan %s: done, %s bones in %s s", job.id, outcome.bones, outcome.seconds)
        self._store.done(job.id, bones=outcome.bones, order=outcome.order, seconds=outcome.seconds, notes=notes)

    def _death(self) -> str:
        code = None if self.process is None else self.process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"


def _work(store: JobStore, job: Job, settings: CrewSettings) -> Work:
    place = store.place(job)
    notes: tuple[str, ...] = ()
    if store.used() >= settings.disk:  # scans that waited were let in before the results of others came
        settings = replace(settings, preview=False, meshes=False, view=False, report=False)
        notes = ("no picture, surfaces, viewer and report: the server's disk is full; delete scans and send it again",)
    case = Case(
        name=job.id,
        input=place.scan,
        labels=place.result("nii.gz"),
        statistics=place.result("json"),
        preview=place.result("png") if settings.preview else None,
        series=job.series,
        options=settings.options,
    )
    return Work(
        case,
        seg=place.result("seg.dcm") if job.kind == "dicom" else None,
        view=place.view if settings.view else None,
        glb=place.result("glb") if settings.meshes else None,
        report=place.result("report.html") if settings.report else None,
        notes=notes,
    )
