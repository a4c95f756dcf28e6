"""The way of a scan into the queue: its bytes to disk, what they are, whether they may stay."""

import shutil
import threading
from pathlib import Path

from sneakynet.counted import counted
from sneakynet.server.archive import unpack
from sneakynet.server.job import Job, ScanKind, scan_in
from sneakynet.server.job_store import JobStore
from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError, unreadable
from sneakynet.server.scan_file import check_file, kind_of
from sneakynet.server.slices import check_slices


class Intake:
    """Lets scans in.

    Args:
        store: gets them.
        limits: what may come in.
    """

    def __init__(self, store: JobStore, limits: Limits) -> None:
        self.store, self.limits = store, limits
        self._admitting = threading.Lock()

    def check_room(self, size: int = 0) -> None:
        """Refuse work that there is no room for.

        Args:
            size: bytes that are to come.

        Raises:
            RefusalError: the queue or the disk is full.
        """
        if len(self.store.waiting()) >= self.limits.waiting:
            waiting = counted(self.limits.waiting, "scan is", "scans are")
            msg = f"{waiting} waiting already, no more are allowed; try again later"
            raise RefusalError(503, msg)
        free = shutil.disk_usage(self.store.folder).free
        if size > free or self.store.used() + size > self.limits.disk:
            msg = "the server has no room for more scans; delete some, or wait until old ones go"
            raise RefusalError(507, msg)

    def admit(self, folder: Path, *, series: str | None = None, deliver: bool = False, promised: bool = False) -> Job:
        """Queue what was uploaded. Where it is refused, the folder goes.

        Args:
            folder: from `JobStore.incoming`, holds a file ``upload``, or a folder ``scan`` of DICOM files.
            series: which DICOM series, by number or UID.
            deliver: whether its DICOM SEG is to be sent on.
            promised: its sender was told that it is taken, so it is, even if the queue has filled up since.

        Raises:
            RefusalError: it may not stay.
        """
        try:
            kind = self._prepare(folder, series)
            with self._admitting:  # so that the last place in the queue is given once
                if not promised:
                    self.check_room()
                return self.store.add(folder, kind, series=series, deliver=deliver)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _prepare(self, folder: Path, series: str | None) -> ScanKind:
        """Bring the scan to its place in the folder, checked."""
        upload, slices = folder / "upload", folder / "scan"
        if slices.is_dir():
            check_slices(slices, series=series, limits=self.limits)
            return "dicom"
        if not upload.stat().st_size:
            msg = "the file is empty; copy or export it again"
            raise unreadable(msg)
        kind = kind_of(upload)
        if kind is not None and kind != "dicom":
            if series is not None:
                msg = "a series is chosen where a zip holds DICOM; leave out `series` for this file"
                raise unreadable(msg)
            check_file(upload, kind, limits=self.limits)
            upload.rename(scan_in(folder, kind))
            return kind
        slices.mkdir()
        if kind is None:
            unpack(upload, slices, limits=self.limits)
            upload.unlink()
        else:
            upload.rename(slices / "000000.dcm")
        check_slices(slices, series=series, limits=self.limits)
        return "dicom"
