"""Takes away what was kept long enough."""

import logging
import threading
from types import TracebackType

from sneakynet.counted import counted
from sneakynet.server.job_store import JobStore

_LOG = logging.getLogger(__name__)
_EVERY = 60.0  # seconds


class Janitor:
    """Looks every minute, from the start of its block to the end.

    Args:
        store: whose jobs go.
        keep_hours: since a job was finished.
    """

    def __init__(self, store: JobStore, *, keep_hours: float) -> None:
        self._store, self._keep_hours = store, keep_hours
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Janitor":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            if count := self._store.purge(keep_hours=self._keep_hours):
                _LOG.info("deleted %s kept for %g hours", counted(count, "scan"), self._keep_hours)
            if self._stopping.wait(_EVERY):
                return
