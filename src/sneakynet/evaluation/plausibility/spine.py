"""Vertebrae follow each other from the skull to the sacrum: in order, none left out, at even steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from sneakynet.evaluation.plausibility.bone_ranges import bone_ranges
from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, between, judged
from sneakynet.evaluation.plausibility.measured import Measured

SERIES = "vertebra"
_DOWN = np.array([0.0, 0.0, -1.0])

_GAP = 0.3
"""Score of a level left out: wrong unless the person has a vertebra fewer (about 1 in 20)."""

_STEP_FINE, _STEP_ABSURD = (0.7, 1.4), (0.3, 2.2)
"""A step over what the steps around it lead to expect."""

_LONE_FINE, _LONE_ABSURD = (0.6, 1.6), (0.3, 2.5)
"""The same over that of a middling person, where there are no steps around it."""

_AROUND = 4  # levels up and down, whose steps are those around one


@dataclass(frozen=True)
class _Level:
    """A bone of the column: 0 is the skull, then the vertebrae by index, then the sacrum."""

    place: int
    name: str


def judge_spine(measured: Measured) -> Part:
    """Judge order, gaps and spacing of the vertebrae that are there."""
    column = _column(measured)
    vertebrae = [level for level in column if measured.table[level.name].series == SERIES]
    if not vertebrae or len(column) < 2:
        return abstained("spine", f"{len(vertebrae)} vertebrae: nothing that one could follow another")
    flags = [*_order(measured, column), *_gaps(measured, column), *_spacing(measured, vertebrae)]
    looked = f"{len(vertebrae)} vertebrae, {vertebrae[0].name} to {vertebrae[-1].name}"
    ends = [level.name for level in column if level not in vertebrae]
    return judged("spine", flags, evidence=looked + (f", and {' and '.join(ends)}" if ends else ""))


def _column(measured: Measured) -> list[_Level]:
    vertebrae = [_Level(bone.index or 0, bone.name) for bone in measured.series(SERIES)]
    last = max((bone.index or 0 for bone in measured.table if bone.series == SERIES), default=0)
    ends = [_Level(0, "skull"), _Level(last + 1, "sacrum")]
    return sorted([*vertebrae, *(e for e in ends if e.name in measured.bones)], key=lambda level: level.place)


def _order(measured: Measured, column: Sequence[_Level]) -> list[Flag]:
    at = [measured.centroid(level.name) for level in column]
    flags = []
    for n in range(len(column) - 1):
        down = _unit_down(at[min(len(at) - 1, n + 3)] - at[max(0, n - 2)])
        step = float((at[n + 1] - at[n]) @ down)
        if step <= 0:
            upper, lower = column[n].name, column[n + 1].name
            flags.append(Flag((upper, lower), 0.0, f"{lower} lies {-step:.0f} mm above {upper}, not below it"))
    return flags


def _unit_down(chord: Float64[np.ndarray, " 3"]) -> Float64[np.ndarray, " 3"]:
    """Which way the column runs; straight down where that is unclear."""
    length = float(np.linalg.norm(chord))
    # A column bent by more than 70 degrees is more likely one in disorder.
    return chord / length if length > 0 and -chord[2] > 0.34 * length else _DOWN


def _gaps(measured: Measured, column: Sequence[_Level]) -> list[Flag]:
    names = {bone.index: bone.name for bone in measured.table if bone.series == SERIES}
    flags = []
    for upper, lower in pairwise(column):
        missing = [names[place] for place in range(upper.place + 1, lower.place) if place in names]
        # The skull reaches down beside the first two vertebrae: a scan that ends there shows it without them.
        beside = 2 if upper.place == 0 and not measured.whole(upper.name) else 0
        if len(missing) > beside:
            step = float(np.linalg.norm(measured.centroid(lower.name) - measured.centroid(upper.name)))
            flags.append(
                Flag(
                    (*missing, upper.name, lower.name),
                    _GAP,
                    f"no {', '.join(missing)} between {upper.name} and {lower.name}, which are {step:.0f} mm apart",
                )
            )
    return flags


def _spacing(measured: Measured, vertebrae: Sequence[_Level]) -> list[Flag]:
    """Steps that are too long or too short; a cut vertebra's centre is not where it would be."""
    ranges = bone_ranges()
    steps = [
        (upper, lower, float(np.linalg.norm(measured.centroid(lower.name) - measured.centroid(upper.name))), expected)
        for upper, lower in pairwise(vertebrae)
        if lower.place == upper.place + 1
        and measured.whole(upper.name)
        and measured.whole(lower.name)
        and upper.name in ranges
        and (expected := ranges[upper.name].step_mm) is not None
    ]
    flags = []
    for upper, lower, step, expected in steps:
        around = [s / e for u, _, s, e in steps if u != upper and abs(u.place - upper.place) <= _AROUND]
        # Of two, one may be the odd one.
        usual = float(np.median(around)) if len(around) > 2 else 1.0
        fine, absurd = (_STEP_FINE, _STEP_ABSURD) if len(around) > 2 else (_LONE_FINE, _LONE_ABSURD)
        score = between(step / expected / usual, fine, absurd)
        told = f"{upper.name} and {lower.name} are {step:.0f} mm apart, where {expected * usual:.0f} mm are expected"
        flags.append(Flag((upper.name, lower.name), score, told))
    return flags
