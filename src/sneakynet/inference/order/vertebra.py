"""The single vertebrae that a reading of a column holds, and which of them contradict the names they bear."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64

from sneakynet.inference.order.column import Column
from sneakynet.inference.order.sequence import Reading, RibHead, disc_stations, read_column

MARGIN = 2.0
"""By how much a reading with other names must be less likely, as a logarithm, before names are changed after it."""

SEEN = 0.6
"""The share of a run's ends that must lie at discs which can be seen: what cannot be told apart cannot be counted."""

FARTHEST = 1
"""Levels by which names are put right. Where a network is off by more it knows too little of the column for a count to
start from."""


@dataclass(frozen=True, eq=False)
class Vertebra:
    """A piece of the column.

    Args:
        state: place of the vertebra from the top, from 0; the sacrum is the last.
        start: first station.
        stop: station after the last.
        said: states that the network's names say here, the slip taken into account.
        sure: whether other readings are much less likely.
    """

    state: int
    start: int
    stop: int
    said: frozenset[int]
    sure: bool = True

    @property
    def changed(self) -> bool:
        """Whether the network says another name in at least a part of it."""
        return self.said != {self.state}

    @property
    def off_by(self) -> int:
        """Levels between it and the farthest name that the network gives it."""
        return max(abs(self.state - said) for said in self.said)


def vertebrae_of(reading: Reading) -> list[Vertebra]:
    """Cut a reading into its vertebrae, from the top."""
    state, elapsed = reading.state, reading.elapsed
    new = np.append(True, (np.diff(state) != 0) | (np.diff(elapsed) < 0))
    starts = np.flatnonzero(new)
    return [
        Vertebra(
            state=int(state[start]),
            start=int(start),
            stop=int(stop),
            said=frozenset(int(state[n] + reading.slip[n]) for n in range(start, stop)),
        )
        for start, stop in zip(starts, [*starts[1:], len(state)], strict=True)
    ]


def sure_vertebrae(column: Column, ribs: Sequence[RibHead]) -> tuple[list[Vertebra], list[float]]:
    """Read a column, and ask of every run of vertebrae with other names than the network's how sure that is.

    Args:
        column: straightened.
        ribs: where they meet it.

    Returns:
        Its vertebrae from the top, and for each such run, from the top, by how much the best reading without any of its
        names is less likely.
    """
    reading = read_column(column, ribs)
    found = vertebrae_of(reading)
    margins, discs = [], np.flatnonzero(disc_stations(column))
    for run in _runs(found):
        barred: Bool[np.ndarray, "station state"] = np.zeros(column.named.shape, dtype=bool)
        for n in run:
            barred[(found[n].start + found[n].stop) // 2, found[n].state] = True
        margin = float(reading.score - read_column(column, ribs, barred=barred).score)
        margins.append(margin)
        seen = _seen([found[n].stop for n in run], discs) >= SEEN
        sure = margin >= MARGIN and seen and max(found[n].off_by for n in run) <= FARTHEST
        for n in run:
            found[n] = replace(found[n], sure=sure)
    return found, margins


def _seen(ends: Sequence[int], discs: Int64[np.ndarray, " disc"]) -> float:
    """Share of ends at a disc, give or take a station; the very end of the column is none."""
    return float(np.mean([bool((np.abs(discs - end) <= 1).any()) for end in ends]))


def _runs(found: Sequence[Vertebra]) -> list[Int64[np.ndarray, " _"]]:
    """Indices of changed vertebrae that follow each other."""
    changed = np.flatnonzero([one.changed for one in found])
    return [run for run in np.split(changed, np.flatnonzero(np.diff(changed) > 1) + 1) if len(run)]
