"""Seconds spent within chosen functions, and what a process holds in memory."""

import functools
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch

_GIB = 2**30
# Linux counts ru_maxrss in KiB, macOS in bytes.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Clock:
    """Adds up the time within functions of some object or module.

    Attributes:
        seconds: by name, of all calls so far. Wrapped functions must not call each other.
        cpu_seconds: likewise, of all cores together: what a busy machine does not change.
        peaks: by name, the most that the process had held when the last call ended, GiB.

    Args:
        device: where the functions work. What a GPU does is timed by its own events, since calls return before it is
            done; :meth:`settle` books them.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._on_gpu = device == "cuda"
        self._events: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self.peaks: defaultdict[str, float] = defaultdict(float)

    def wrap(self, owner: Any, function: str, *, name: str, waits: bool = False) -> None:
        """Replace ``owner.function`` by itself with the time taken.

        Args:
            owner: module, class instance or network; a method is shadowed on the instance.
            function: its name there.
            name: what the time is booked on.
            waits: whether the caller waits until a GPU is done, so that the processor's part is in the time too.
        """
        inner = getattr(owner, function)

        @functools.wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._on_gpu and not waits:
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                result = inner(*args, **kwargs)
                end.record()
                self._events.append((name, begin, end))
                return result
            started, cpu = time.perf_counter(), time.process_time()
            try:
                result = inner(*args, **kwargs)
                if self._on_gpu:
                    torch.cuda.synchronize()
                return result
            finally:
                self.seconds[name] += time.perf_counter() - started
                self.cpu_seconds[name] += time.process_time() - cpu
                self.peaks[name] = peak_gib()

        setattr(owner, function, timed)

    def settle(self) -> None:
        """Wait for a GPU and book what it did."""
        if self._on_gpu:
            torch.cuda.synchronize()
        for name, begin, end in self._events:
            self.seconds[name] += begin.elapsed_time(end) / 1000
        self._events.clear()

    def reset(self) -> None:
        """Forget what was measured."""
        self.settle()
        self.seconds.clear()
        self.cpu_seconds.clear()
        self.peaks.clear()


def peak_gib() -> float:
    """The most that this process has held so far."""
    status = Path("/proc/self/status")
    if status.is_file():  # not getrusage: there a process begins with the peak of the one that started it
        held = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(held.split()[1]) * 1024 / _GIB
    return peak_gib_of(resource.getrusage(resource.RUSAGE_SELF))


def peak_gib_of(usage: resource.struct_rusage) -> float:
    """The most that a process that ended had held, or what was held where it was started, if that was more."""
    return usage.ru_maxrss * _MAXRSS_UNIT / _GIB


def held_gib() -> float | None:
    """What this process holds now; None where the system does not say (no ``/proc``)."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() / _GIB if statm.is_file() else None
