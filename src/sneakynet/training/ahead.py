"""The batch of each step, and how long the training waited for it."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sneakynet.data.sampling import Patches


class Ahead:
    """Makes the batches; beside a GPU the next one is made while the last is learnt from.

    Args:
        batch: step -> its patches.
        threaded: make the next one meanwhile.
    """

    def __init__(self, batch: Callable[[int], Patches], *, threaded: bool) -> None:
        self._batch = batch
        self._thread = ThreadPoolExecutor(1) if threaded else None
        self._coming: dict[int, Future[Patches]] = {}
        self.waited = 0.0
        """Seconds that `take` took, over all steps."""

    def take(self, step: int) -> Patches:
        """The patches of a step."""
        started = time.monotonic()
        try:
            if self._thread is None:
                return self._batch(step)
            now = self._coming.pop(step, None) or self._thread.submit(self._batch, step)
            self._coming[step + 1] = self._thread.submit(self._batch, step + 1)
            return now.result()
        finally:
            self.waited += time.monotonic() - started

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
