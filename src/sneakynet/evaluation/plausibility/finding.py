"""What a look at a label map finds: flags, and the parts they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Flag:
    """Something that should be looked at.

    Args:
        bones: names of the bones concerned.
        score: how plausible it is, 0 (cannot be) to below 1.
        evidence: what was seen, in words and numbers.
    """

    bones: tuple[str, ...]
    score: float
    evidence: str


@dataclass(frozen=True)
class Part:
    """One kind of plausibility.

    Args:
        name: ``spine``, ``ribs`` ...
        score: that of its worst flag, 1 if there is none; None where the scan shows too little to judge.
        evidence: what was looked at, or why nothing could be said.
        flags: worst first.
    """

    name: str
    score: float | None
    evidence: str
    flags: tuple[Flag, ...] = ()


def judged(name: str, flags: Sequence[Flag], *, evidence: str) -> Part:
    """A part about which something can be said.

    Args:
        name: the part.
        flags: in any order; those of score 1 are none.
        evidence: what was looked at.
    """
    worst = tuple(sorted((f for f in flags if f.score < 1), key=lambda f: (f.score, f.bones)))
    return Part(name, worst[0].score if worst else 1.0, evidence, worst)


def abstained(name: str, reason: str) -> Part:
    """A part about which nothing can be said."""
    return Part(name, None, reason)


def ramp(value: float, *, fine: float, absurd: float) -> float:
    """Score of a measure: 1 up to ``fine``, 0 from ``absurd`` on, straight between; either may be the greater."""
    return round(float(np.clip((absurd - value) / (absurd - fine), 0, 1)), 3)


def between(value: float, fine: tuple[float, float], absurd: tuple[float, float]) -> float:
    """Score of a measure that can be too low and too high: 1 within ``fine``, 0 outside ``absurd``."""
    return min(ramp(value, fine=fine[0], absurd=absurd[0]), ramp(value, fine=fine[1], absurd=absurd[1]))
