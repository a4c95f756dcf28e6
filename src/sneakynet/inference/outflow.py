"""Labels on their way from the device that found them to the arrays that keep them."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from sneakynet.inference.upsample import LabelledPlanes
from sneakynet.volumes.scratch import let_go

_Place = tuple[slice, slice]


class Outflow:
    """Arrays on the scan's own grid, axes in RAS+ order, k slowest.

    From a GPU labels are copied beside the work on the next ones, on a stream of their own, and put into the arrays one
    portion later.

    Args:
        labels: takes the classes.
        confidence: takes their probability in percent; None where it is not asked for.
    """

    def __init__(self, labels: np.ndarray, confidence: np.ndarray | None) -> None:
        self.labels = labels
        self.confidence = confidence
        self._copying: torch.cuda.Stream | None = None
        self._under_way: deque[tuple[_Place, LabelledPlanes, torch.cuda.Event]] = deque()

    @contextmanager
    def open(self) -> Iterator["Outflow"]:
        """Everything that was put within has arrived at the end."""
        yield self
        while self._under_way:
            self._land()

    def put(self, planes: LabelledPlanes, at: _Place) -> None:
        """Take some planes.

        Args:
            planes: found.
            at: their place along k and j.
        """
        if planes.labels.device.type == "cpu":
            self._write(planes, at)
            return
        self._copying = self._copying or torch.cuda.Stream(planes.labels.device)  # type: ignore[no-untyped-call]
        self._copying.wait_stream(torch.cuda.current_stream(planes.labels.device))
        with torch.cuda.stream(self._copying):
            landed = LabelledPlanes(
                _to_host(planes.labels, self._copying),
                None if planes.confidence is None else _to_host(planes.confidence, self._copying),
            )
            arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record()
        self._under_way.append((at, landed, arrived))
        if len(self._under_way) > 1:
            self._land()

    def rest(self) -> None:
        """Let what was written leave memory where it lies on disk."""
        for array in (self.labels, self.confidence):
            let_go(array)

    def _land(self) -> None:
        at, planes, arrived = self._under_way.popleft()
        arrived.synchronize()
        self._write(planes, at)

    def _write(self, planes: LabelledPlanes, at: _Place) -> None:
        self.labels[at] = planes.labels.numpy()
        if self.confidence is not None and planes.confidence is not None:
            self.confidence[at] = planes.confidence.numpy()


def _to_host(values: Tensor, stream: torch.cuda.Stream) -> Tensor:
    # Only into pinned memory does a copy run beside other work; the source must not be given away before it is done.
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    host.copy_(values, non_blocking=True)
    values.record_stream(stream)
    return host
