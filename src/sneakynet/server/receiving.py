"""Series that come slice by slice: kept on disk until nothing more comes, then put into the queue."""

import hashlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sneakynet.errors import OutputError
from sneakynet.server.intake import Intake
from sneakynet.server.refusal import RefusalError
from sneakynet.volumes.atomic import write_whole

_LOG = logging.getLogger(__name__)


@dataclass
class _Growing:
    """A series of which slices have come.

    Args:
        folder: of its files.
        last: when the last came, by the monotonic clock.
        size: bytes.
        slices: names of the files.
        open: associations that have brought some and still stand.
    """

    folder: Path
    last: float
    size: int = 0
    slices: set[str] = field(default_factory=set)
    open: set[object] = field(default_factory=set)


class Receiving:
    """Collects slices by series. What UIDs say is hashed and names nothing as it is.

    Args:
        intake: gets whole series.
        quiet: seconds without a slice after which a series is whole.
        deliver: whether results are to be sent on.
        clock: monotonic seconds.
    """

    def __init__(
        self, intake: Intake, *, quiet: float, deliver: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._intake, self._quiet, self._deliver, self._clock = intake, quiet, deliver, clock
        self._folder = intake.store.folder / "receiving"
        self._lock = threading.Lock()
        self._series: dict[str, _Growing] = {}
        for folder in self._folder.iterdir():  # what came before a restart
            files = [path for path in folder.iterdir() if not path.name.startswith(".")]
            sizes = sum(path.stat().st_size for path in files)
            self._series[folder.name] = _Growing(folder, clock(), sizes, {path.name for path in files})

    def take(self, content: bytes, *, series: str, instance: str, association: object) -> None:
        """Keep a slice. One that is there already is left as it is.

        Args:
            content: a whole DICOM file.
            series: SeriesInstanceUID.
            instance: SOPInstanceUID.
            association: what it came over.

        Raises:
            RefusalError: beyond the bounds, or the disk is full.
        """
        key, name = _digest(series), f"{_digest(instance)}.dcm"
        limits = self._intake.limits
        with self._lock:
            growing = self._series.get(key)
            if growing is None:
                self._intake.check_room(len(content))
                growing = self._series[key] = _Growing(self._folder / key, self._clock())
            growing.last = self._clock()
            growing.open.add(association)
            if name in growing.slices:
                return
            if len(growing.slices) >= limits.members or growing.size + len(content) > limits.upload:
                msg = f"the series is larger than {limits.members} slices or {limits.upload / 2**20:.0f} MB"
                raise RefusalError(413, msg)
            if len(content) > shutil.disk_usage(self._folder).free:
                msg = "the disk is full"
                raise RefusalError(507, msg)
            try:
                growing.folder.mkdir(exist_ok=True)
                with write_whole(growing.folder / name) as part:
                    part.write_bytes(content)
            except OSError as error:
                msg = "the disk cannot be written"
                raise RefusalError(507, msg) from error
            growing.slices.add(name)
            growing.size += len(content)

    def ended(self, association: object) -> None:
        """An association was released, or broke."""
        with self._lock:
            for growing in self._series.values():
                growing.open.discard(association)

    def queue_whole(self) -> int:
        """Put the series into the queue that are whole. While it is full they wait here.

        Returns:
            How many that were.
        """
        try:
            self._intake.check_room()
        except RefusalError:
            return 0
        with self._lock:
            whole = [
                key
                for key, growing in self._series.items()
                if not growing.open and self._clock() - growing.last >= self._quiet
            ]
            folders = [self._series.pop(key).folder for key in whole]
            ready = [folder for folder in folders if folder.is_dir()]
            moved = [self._move(folder) for folder in ready]
        return sum(self._queue(folder) for folder in moved if folder is not None)

    def _move(self, folder: Path) -> Path | None:
        """Out of the way of slices of the same series that come later."""
        try:
            incoming = self._intake.store.incoming()
            folder.rename(incoming / "scan")
        except (OSError, OutputError):
            _LOG.warning("a series that came over DICOM could not be taken: the disk cannot be written")
            return None
        return incoming

    def _queue(self, incoming: Path) -> bool:
        try:
            job = self._intake.admit(incoming, deliver=self._deliver, promised=True)
        except RefusalError:  # its text may quote the headers, a log may not
            _LOG.warning("a series that came over DICOM was dropped: it is no CT scan within the server's bounds")
            return False
        except OSError:
            _LOG.warning("a series that came over DICOM was dropped: the disk cannot be written")
            with suppress(OSError):
                shutil.rmtree(incoming)
            return False
        _LOG.info("scan %s: came over DICOM", job.id)
        return True


def _digest(uid: str) -> str:
    return hashlib.sha256(uid.encode(errors="surrogatepass")).hexdigest()[:32]
