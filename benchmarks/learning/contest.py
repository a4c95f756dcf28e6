"""Methods in turn: what else the machine does meanwhile happens to all of them."""

import ctypes
import gc
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference.clock import held_gib, peak_gib


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method on one shape.

    Args:
        what: that was done.
        method: by which.
        shape: of the input.
        seconds: median over the rounds.
        cpu_seconds: median of all cores together, which a busy machine changes little; compare it with ``--threads 1``.
        peak_gib: the most memory held beyond what was held before.
        more: what else is known, by name.
    """

    what: str
    method: str
    shape: str
    seconds: float
    cpu_seconds: float
    peak_gib: float | None = None
    more: dict[str, object] | None = None


def contest(what: str, shape: str, methods: Mapping[str, Callable[[], object]], *, rounds: int) -> list[Row]:
    """A warm-up round in which memory is measured, then ``rounds`` timed ones."""
    say(f"{what}, {shape}")
    peaks = {name: _peak(method) for name, method in methods.items()}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            started, cpu = time.perf_counter(), time.process_time()
            method()
            taken[name].append((time.perf_counter() - started, time.process_time() - cpu))
    return [
        Row(
            what=what,
            method=name,
            shape=shape,
            seconds=statistics.median(wall for wall, _ in values),
            cpu_seconds=statistics.median(cpu for _, cpu in values),
            peak_gib=peaks[name],
        )
        for name, values in taken.items()
    ]


def _peak(method: Callable[[], object]) -> float | None:
    """Linux forgets the highest mark of a process when told to; elsewhere there is no figure."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    reset = Path("/proc/self/clear_refs")
    before = held_gib()
    if before is None or not reset.exists():
        method()
        return None
    reset.write_text("5")
    method()
    return max(0.0, peak_gib() - before)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
