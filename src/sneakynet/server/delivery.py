"""Results on their way to an archive."""

import logging
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pydicom
from pynetdicom import AE

from sneakynet.server.dicom_peer import Archive
from sneakynet.server.job import Job
from sneakynet.server.job_store import JobStore

_LOG = logging.getLogger(__name__)

# Seconds.
_EVERY = 0.5
_PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0)
_SILENCE = 60.0

Send = Callable[[Path], str | None]
"""Sends a file; what it gives is why it could not."""


class Delivery:
    """Sends the DICOM SEG of every job that asks for it, from the start of its block to the end.

    Where the archive does not take one, it is tried again after 5 s, and ever more, for about 40 minutes; a restart
    begins anew.

    Args:
        store: of the jobs.
        send: sends one.
        clock: monotonic seconds.
    """

    def __init__(self, store: JobStore, send: Send, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._send, self._clock = store, send, clock
        self._tries: dict[str, tuple[int, float]] = {}  # job -> times it failed, and when to try again
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Delivery":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            self.send_due()

    def send_due(self) -> None:
        """Send what is due."""
        for job in self._store.all():
            failures, due = self._tries.get(job.id, (0, 0.0))
            if job.state == "done" and job.delivery == "waiting" and self._clock() >= due:
                self._try(job, failures)

    def _try(self, job: Job, failures: int) -> None:
        path = self._store.place(job).result("seg.dcm")
        if not path.is_file():
            self._store.delivered(job.id, sent=False, note="nothing was sent to the archive: there is no DICOM SEG")
            return
        fault = self._send(path)
        if fault is None:
            _LOG.info("scan %s: its DICOM SEG was sent to the archive", job.id)
            self._store.delivered(job.id, sent=True)
        elif failures < len(_PAUSES):
            _LOG.warning("scan %s: not sent: %s; it is tried again", job.id, fault)
            self._tries[job.id] = failures + 1, self._clock() + _PAUSES[failures]
            return
        else:
            _LOG.error("scan %s: not sent: %s; given up", job.id, fault)
            self._store.delivered(job.id, sent=False, note=f"not sent to the archive: {fault}")
        self._tries.pop(job.id, None)


def sender_to(archive: Archive, *, title: str) -> Send:
    """What sends files to an archive by C-STORE.

    Args:
        archive: where to.
        title: our AE title.
    """

    def send(path: Path) -> str | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they quote header values, which may be the patient's
                return _store(path, archive, title=title)
        except Exception as error:  # a bad file or peer must not end the deliveries; the text may quote the headers
            return f"{type(error).__name__} while sending"

    return send


def _store(path: Path, archive: Archive, *, title: str) -> str | None:
    dataset = pydicom.dcmread(path)
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = _SILENCE
    ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association: Any = ae.associate(archive.host, archive.port, ae_title=archive.title)
    if not association.is_established:
        return f"the archive {archive.title} at {archive.host}:{archive.port} does not answer, or refuses us"
    try:
        if not association.accepted_contexts:
            return f"the archive {archive.title} takes no DICOM SEG"
        status = association.send_c_store(dataset)
    finally:
        association.release()
    # Warnings (0xB...) are kept by the archive all the same.
    code = status.get("Status")
    if code is None:
        return "the archive broke off"
    return None if code == 0 or 0xB000 <= code < 0xC000 else f"the archive answered with status 0x{code:04X}"
