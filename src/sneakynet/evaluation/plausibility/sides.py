"""Left bones on the left and right bones on the right."""

from collections.abc import Sequence

import numpy as np

from sneakynet.anatomy.bone import Bone
from sneakynet.counted import counted
from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, judged, ramp
from sneakynet.evaluation.plausibility.measured import Measured

_LIMB = ("arm", "carpals", "metacarpals", "phalanges")
"""Groups that may lie anywhere: arms can cross the body."""

_KNEECAP = "patella"
"""So can lower legs."""

_HAND = ("carpals", "metacarpals", "phalanges")

_BEYOND_FINE, _BEYOND_ABSURD = 5.0, 20.0
"""Mm by which a bone of the trunk may lie beyond the midline."""

_HANDS_APART = 80.0
"""Mm between the middles of two hands from which on each bone must be nearer to its own."""


def judge_sides(measured: Measured) -> Part:
    """Judge on which side of the midline, of their partners and of which hand the bones lie."""
    sided = [bone for bone in measured.table if bone.side and bone.name in measured.bones]
    trunk = [bone for bone in sided if bone.group not in _LIMB and not bone.name.startswith(_KNEECAP)]
    midline = _midline(measured)
    pairs = [(bone, measured.table[bone.mirror]) for bone in trunk if bone.side == "left" and bone.mirror]
    pairs = [(left, right) for left, right in pairs if right.name in measured.bones]
    hands = _hands(measured, sided)
    beside = trunk if midline is not None else []
    if not pairs and not beside and not hands:
        return abstained("sides", f"{counted(len(sided), 'bone')} of a side, without partner, midline or another hand")
    flags = [*_reversed(measured, pairs), *hands]
    told = {name for flag in flags for name in flag.bones}
    if midline is not None:
        flags += [_beyond(measured, bone, midline) for bone in beside if bone.name not in told]
    looked = f"{counted(len(sided), 'bone')} of a side, {counted(len(pairs), 'pair')} of the trunk"
    return judged("sides", flags, evidence=looked + ("" if midline is not None else ", no midline"))


def _midline(measured: Measured) -> tuple[np.ndarray, np.ndarray] | None:
    """Heights, ascending, and x of the bones of the midline; None where there is none."""
    middle = [bone for bone in measured.table if bone.side is None and measured.whole(bone.name)]
    # One bone may itself be astray, so that at least three must be there.
    if len(middle) < 3:
        return None
    at = np.array([measured.centroid(bone.name) for bone in middle])
    at = at[np.argsort(at[:, 2])]
    return at[:, 2], at[:, 0]


def _at(midline: tuple[np.ndarray, np.ndarray], z: float) -> float:
    """X of the midline at a height: the median of the five bones nearest to it, which one astray does not move."""
    nearest = np.argsort(np.abs(midline[0] - z))[:5]
    return float(np.median(midline[1][nearest]))


def _reversed(measured: Measured, pairs: Sequence[tuple[Bone, Bone]]) -> list[Flag]:
    flags = []
    for left, right in pairs:
        beyond = float(measured.centroid(left.name)[0] - measured.centroid(right.name)[0])
        if beyond > 0:
            told = f"{left.name} lies {beyond:.0f} mm to the right of {right.name}"
            flags.append(Flag((left.name, right.name), ramp(beyond, fine=0.0, absurd=_BEYOND_ABSURD), told))
    return flags


def _beyond(measured: Measured, bone: Bone, midline: tuple[np.ndarray, np.ndarray]) -> Flag:
    x, _, z = measured.centroid(bone.name)
    beyond = float(x - _at(midline, z)) * (1 if bone.side == "left" else -1)
    told = f"{bone.name} lies {beyond:.0f} mm beyond the midline"
    return Flag((bone.name,), ramp(beyond, fine=_BEYOND_FINE, absurd=_BEYOND_ABSURD), told)


def _hands(measured: Measured, sided: Sequence[Bone]) -> list[Flag]:
    """Bones that lie in the other hand."""
    at = {bone.name: measured.centroid(bone.name) for bone in sided if bone.group in _HAND}
    of = {
        side: [bone.name for bone in sided if bone.group in _HAND and bone.side == side] for side in ("left", "right")
    }
    if min(map(len, of.values())) < 3:
        return []
    middle = {side: np.median([at[name] for name in names], axis=0) for side, names in of.items()}
    if np.linalg.norm(middle["left"] - middle["right"]) < _HANDS_APART:
        return []
    flags = []
    for side, other in (("left", "right"), ("right", "left")):
        for name in of[side]:
            own, far = (float(np.linalg.norm(at[name] - middle[hand])) for hand in (side, other))
            if own > far:
                told = f"{name} lies in the {other} hand: {far:.0f} mm from its middle, {own:.0f} mm from the {side}'s"
                flags.append(Flag((name,), 0.0, told))
    return flags
