"""Ribs: in order along the cage, none missing on one side alone, each beside its vertebra."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, judged, ramp
from sneakynet.evaluation.plausibility.measured import Measured
from sneakynet.evaluation.plausibility.spine import SERIES

SIDES = ("left", "right")
_THORACIC = "vertebrae_T"

_MISSING = 0.3
"""Score of a rib left out between two that are there: wrong but for a person who had it taken out."""

_LEVEL = -0.25
"""Where a rib begins in phantoms, in vertebrae below the centroid of its own: a quarter above it."""

_LEVEL_FINE, _LEVEL_ABSURD = 0.8, 1.3
"""How many vertebrae one rib may begin above or below there; of phantoms nearly all lie within 0.5."""

_SIDE_FINE, _SIDE_ABSURD = 0.5, 0.9
"""The same for the median of a side's ribs: the numbers of all may be one off."""
_SIDE = 3
"""Ribs that make such a median."""

_FROM_FACE = 10.0  # mm: an end this near to a face of the scan may be a cut

_BESIDE = 60.0  # mm from the spine's middle: what begins farther out, of a rib that the scan cuts, is no end

_INNERMOST = 0.1  # share of the back half of a rib that is its end


def judge_ribs(measured: Measured) -> Part:
    """Judge order, missing ones and levels of the ribs that are there."""
    there = {side: {bone.index or 0: bone.name for bone in measured.series(f"rib_{side}")} for side in SIDES}
    count = sum(map(len, there.values()))
    if count < 2:
        return abstained("ribs", f"{count} ribs: nothing that one could follow another")
    ends = {
        name: end
        for side in SIDES
        for name in there[side].values()
        if (end := _end(measured, name, side=side)) is not None
    }
    flags = [*_missing(measured, there), *_levels(measured, there, ends)]
    for side in SIDES:
        flags += _order(there[side], ends)
    return judged("ribs", flags, evidence=f"{len(there['left'])} ribs left and {len(there['right'])} right")


def _end(measured: Measured, name: str, *, side: str) -> Float64[np.ndarray, " 3"] | None:
    """Where a rib begins, beside the spine; None where the scan cuts it off."""
    points = measured.points(name)
    back = points[points[:, 1] <= (points[:, 1].min() + points[:, 1].max()) / 2]
    spine = [measured.centroid(bone.name)[0] for bone in measured.series(SERIES)]
    # Without a spine, the name says on which side of the rib it is.
    away = np.abs(back[:, 0] - np.median(spine)) if spine else back[:, 0] * (1 if side == "right" else -1)
    innermost = away <= np.quantile(away, _INNERMOST)
    end: np.ndarray = back[innermost].mean(axis=0)
    if name in measured.cut:
        beside = bool(spine) and away[innermost].mean() <= _BESIDE
        return end if beside and measured.to_end(end) >= _FROM_FACE else None
    return end


def _order(ribs: Mapping[int, str], ends: Mapping[str, Float64[np.ndarray, " 3"]]) -> list[Flag]:
    names = [ribs[n] for n in sorted(ribs) if ribs[n] in ends]
    flags = []
    for upper, lower in pairwise(names):
        rise = float(ends[lower][2] - ends[upper][2])
        if rise >= 0:
            flags.append(Flag((upper, lower), 0.0, f"{lower} begins {rise:.0f} mm above {upper}, not below it"))
    return flags


def _missing(measured: Measured, there: Mapping[str, Mapping[int, str]]) -> list[Flag]:
    flags = []
    for side, other in (SIDES, SIDES[::-1]):
        for bone in (b for b in measured.table if b.series == f"rib_{side}" and b.name not in measured.bones):
            n = bone.index or 0
            if n - 1 in there[side] and n + 1 in there[side]:
                partner = "is there" if n in there[other] else "is missing too"
                told = f"no {bone.name}, though {there[side][n - 1]} and {there[side][n + 1]} are there"
                flags.append(Flag((bone.name,), _MISSING, f"{told}; its partner {partner}"))
    return flags


def _levels(
    measured: Measured, there: Mapping[str, Mapping[int, str]], ends: Mapping[str, Float64[np.ndarray, " 3"]]
) -> list[Flag]:
    """Ribs that begin at the height of another vertebra than their own."""
    vertebrae = [bone for bone in measured.series(SERIES) if measured.whole(bone.name)]
    if len(vertebrae) < 2:
        return []
    # Sorted apart: whether the vertebrae themselves are in order is the spine's matter.
    places = np.array(sorted((bone.index or 0 for bone in vertebrae), reverse=True), dtype=float)
    heights = np.array(sorted(measured.centroid(bone.name)[2] for bone in vertebrae))
    flags = []
    for side in SIDES:
        shifts = {}
        for n, name in there[side].items():
            own = f"{_THORACIC}{n}"
            if name in ends and own in measured.table and heights[0] <= ends[name][2] <= heights[-1]:
                at = float(np.interp(ends[name][2], heights, places))
                shifts[name] = at - (measured.table[own].index or 0) - _LEVEL
        flags += _level_flags(shifts)
    return flags


def _level_flags(shifts: Mapping[str, float]) -> list[Flag]:
    """One flag where all ribs of a side lie at other levels, else one for each rib that does."""
    median = float(np.median(list(shifts.values()))) if len(shifts) >= _SIDE else 0.0
    if abs(median) > _SIDE_FINE:
        score = ramp(abs(median), fine=_SIDE_FINE, absurd=_SIDE_ABSURD)
        return [
            Flag(tuple(shifts), score, f"{next(iter(shifts))} and {len(shifts) - 1} others begin {_vertebrae(median)}")
        ]
    return [
        Flag((name,), ramp(abs(shift), fine=_LEVEL_FINE, absurd=_LEVEL_ABSURD), f"{name} begins {_vertebrae(shift)}")
        for name, shift in shifts.items()
    ]


def _vertebrae(shift: float) -> str:
    return f"{abs(shift):.1f} vertebrae {'below' if shift > 0 else 'above'} its place beside the vertebra of its number"
