"""The queue and all that belongs to it, on disk: what the server knows, it knows after a restart too."""

import fcntl
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from sneakynet.errors import OutputError, SettingError
from sneakynet.server.job import Job, Place, ScanKind
from sneakynet.volumes.atomic import make_folder

_LOG = logging.getLogger(__name__)

RETRIES = 1
"""How often a scan is tried again whose worker died."""

_RECORD = "job.json"


@dataclass(frozen=True)
class Step:
    """How far the work on a scan is.

    Args:
        stage: what is being done.
        done: steps of it.
        total: steps of all; 0 while that is unknown.
    """

    stage: str
    done: int = 0
    total: int = 0


class JobStore:
    """Jobs in folders of their own below one folder, each with a record that is written whole at every change.

    To be used as a context manager: only one server may have the folder. What was running when the last server ended
    waits again.

    Args:
        folder: made if missing, and closed to other users.
        clock: seconds since 1970.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._steps: dict[str, Step] = {}
        self._changed = threading.Condition()
        self._lock: int | None = None

    def __enter__(self) -> "JobStore":
        make_folder(self.folder)
        self.folder.chmod(0o700)
        self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            msg = f"another server uses the folder {self.folder}; stop it, or give this one a folder of its own"
            raise SettingError(msg) from error
        for each in ("incoming", "trash"):
            shutil.rmtree(self.folder / each, ignore_errors=True)
        for each in ("incoming", "trash", "jobs", "receiving"):
            make_folder(self.folder / each)
        with self._changed:
            self._load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _load(self) -> None:
        for folder in sorted((self.folder / "jobs").iterdir()):
            try:
                job = Job.read(folder / _RECORD)
            except ValueError:
                _LOG.warning("job %s: its record is damaged; its files are removed", folder.name)
                self._throw_away(folder)
                continue
            self._jobs[job.id] = job
            if job.state == "running":
                self._set(replace(job, state="waiting", started=None))

    def incoming(self) -> Path:
        """A new empty folder for a scan that has not been let in yet; it is gone after a restart.

        Raises:
            OutputError: it cannot be made.
        """
        folder = self.folder / "incoming" / secrets.token_hex(8)
        make_folder(folder)
        return folder

    def add(self, folder: Path, kind: ScanKind, *, series: str | None = None, deliver: bool = False) -> Job:
        """Put a scan into the queue. The folder becomes the job's, in one step.

        Args:
            folder: on the same disk, holds the scan by the name of `scan_in`.
            kind: of the scan.
            series: which series of it.
            deliver: whether its DICOM SEG is to be sent on.

        Raises:
            OutputError: the record cannot be written.
        """
        now = self._clock()
        job = Job(
            secrets.token_hex(16),
            kind,
            "waiting",
            created=now,
            queued=now,
            series=series,
            delivery="waiting" if deliver else "none",
        )
        with self._changed:
            job.write(folder / _RECORD)
            folder.rename(self._home(job.id))
            self._jobs[job.id] = job
            self._changed.notify()
        return job

    def get(self, id: str) -> Job | None:
        """A job by its id, if there is one."""
        with self._changed:
            return self._jobs.get(id)

    def all(self) -> list[Job]:
        """Every job, the newest first."""
        with self._changed:
            return sorted(self._jobs.values(), key=lambda job: -job.created)

    def place(self, job: Job) -> Place:
        """Where a job's files lie."""
        return Place(self._home(job.id), job)

    def waiting(self) -> list[Job]:
        """The queue, in its order."""
        with self._changed:
            return sorted((job for job in self._jobs.values() if job.state == "waiting"), key=lambda job: job.queued)

    def step(self, id: str) -> Step | None:
        """How far a running job is."""
        with self._changed:
            return self._steps.get(id)

    def take(self, *, timeout: float) -> Job | None:
        """The next job, which is then running.

        Args:
            timeout: seconds to wait for one.

        Returns:
            None when there is none.
        """
        with self._changed:
            if not self.waiting():
                self._changed.wait(timeout)
            queue = self.waiting()
            return self._set(replace(queue[0], state="running", started=self._clock())) if queue else None

    def report(self, id: str, step: Step) -> None:
        """Tell how far a running job is; this is not kept over a restart."""
        with self._changed:
            if id in self._jobs:
                self._steps[id] = step

    def done(
        self, id: str, *, bones: int | None, seconds: float | None, notes: tuple[str, ...], order: str | None = None
    ) -> None:
        """A job's results are there; what is told of them is told of in `Job`."""
        self._end(id, state="done", bones=bones, order=order, seconds=seconds, notes=notes)

    def failed(self, id: str, error: str, *, notes: tuple[str, ...] = ()) -> None:
        """A job has no results.

        Args:
            id: of the job.
            error: what was wrong, for who sent the scan.
            notes: see `Job`.
        """
        self._end(id, state="failed", error=error, notes=notes, delivery="none")

    def died(self, id: str, how: str) -> None:
        """A worker died over a job: it waits again behind the others, or is given up.

        Args:
            id: of the job.
            how: what is known of the death.
        """
        with self._changed:
            job = self._jobs.get(id)
            if job is None:
                return
            deaths = job.deaths + 1
            if deaths <= RETRIES:
                self._set(replace(job, state="waiting", deaths=deaths, started=None, queued=self._clock()))
                return
        self._end(
            id,
            state="failed",
            deaths=deaths,
            delivery="none",
            error=f"the worker died {deaths} times over this scan ({how}); most often memory ran out: give a smaller "
            "scan, or a server with a --memory-limit that fits its machine",
        )

    def put_back(self, id: str) -> None:
        """A job's work was broken off by no fault of its own; it waits again at its place."""
        with self._changed:
            if (job := self._jobs.get(id)) is not None and job.state == "running":
                self._set(replace(job, state="waiting", started=None))

    def delivered(self, id: str, *, sent: bool, note: str | None = None) -> None:
        """What became of sending a job's DICOM SEG on."""
        with self._changed:
            if (job := self._jobs.get(id)) is not None:
                notes = job.notes if note is None else (*job.notes, note)
                self._set(replace(job, delivery="sent" if sent else "failed", notes=notes))

    def remove(self, id: str) -> bool:
        """Forget a job and delete all its files, whatever its state.

        Returns:
            Whether there was one.
        """
        with self._changed:
            if self._jobs.pop(id, None) is None:
                return False
            self._steps.pop(id, None)
            self._throw_away(self._home(id))
            return True

    def purge(self, *, keep_hours: float) -> int:
        """Remove what was finished long ago.

        Args:
            keep_hours: since a job was finished.

        Returns:
            How many jobs went.
        """
        before = self._clock() - keep_hours * 3600
        old = [job.id for job in self.all() if job.finished is not None and job.finished < before]
        for left in list((self.folder / "trash").iterdir()):  # of a worker that still wrote when its job was removed
            shutil.rmtree(left, ignore_errors=True)
        return sum(self.remove(id) for id in old)

    def used(self) -> int:
        """Bytes of everything in the folder."""
        total = 0
        for folder, _, files in os.walk(self.folder):
            for file in files:
                with suppress(OSError):  # removed meanwhile
                    total += (Path(folder) / file).lstat().st_size
        return total

    def _home(self, id: str) -> Path:
        return self.folder / "jobs" / id

    def _end(self, id: str, **change: Any) -> None:
        with self._changed:
            if (job := self._jobs.get(id)) is not None:
                self._steps.pop(id, None)
                self._set(replace(job, finished=self._clock(), **change))

    def _set(self, job: Job) -> Job:
        """Keep a job's new state: here in any case, so that a full disk stops nothing, and on disk."""
        self._jobs[job.id] = job
        try:
            job.write(self._home(job.id) / _RECORD)
        except OutputError as error:
            _LOG.warning("job %s: its state %s could not be written: %s", job.id, job.state, error)
        self._changed.notify()
        return job

    def _throw_away(self, folder: Path) -> None:
        """In one step out of sight, so that no half of it is ever taken for a job."""
        trash = self.folder / "trash" / secrets.token_hex(8)
        with suppress(OSError):
            folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)
