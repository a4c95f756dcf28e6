"""A bone is one piece, or a few that belong together."""

import numpy as np

from sneakynet.counted import counted
from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, judged, ramp
from sneakynet.evaluation.plausibility.measured import Measured

_SHARE_FINE, _SHARE_ABSURD = 0.1, 0.6
"""Share of a bone's voxels outside its largest piece: thin bones are torn where voxels are coarse."""

_FAR_FINE, _FAR_ABSURD = 0.005, 0.1
"""The same of pieces that lie far from the largest."""

_FAR = 30.0
"""Mm between the boxes of two pieces from which on they are far apart."""

_FEW = 3
"""Voxels up to which a piece is a speck that says nothing."""


def judge_fragments(measured: Measured) -> Part:
    """Judge what of each bone lies outside its largest piece."""
    if not measured.bones:
        return abstained("fragments", "no bones")
    flags = [flag for name in measured.bones for flag in _of(measured, name)]
    pieces = len(measured.pieces)
    return judged("fragments", flags, evidence=f"{counted(len(measured.bones), 'bone')} in {counted(pieces, 'piece')}")


def _of(measured: Measured, name: str) -> list[Flag]:
    pieces, found = measured.pieces, measured.pieces_of(name)
    largest, others = found[0], found[1:]
    others = others[pieces.voxels[others] > _FEW]
    # What the scan cuts in two is one: a rib leaves through a face and comes back through it.
    bottom, top = measured.ends
    same_face = ((pieces.low[others] == bottom) & (pieces.low[largest] == bottom)) | (
        (pieces.high[others] == top) & (pieces.high[largest] == top)
    )
    others = others[~same_face.any(axis=1)]
    if not len(others):
        return []
    steps = np.linalg.norm(measured.affine[:3, :3], axis=0)
    apart = np.maximum(
        0, np.maximum(pieces.low[others] - pieces.high[largest], pieces.low[largest] - pieces.high[others])
    )
    gaps = np.linalg.norm(apart * steps, axis=1)
    total = measured.bones[name].voxels
    share, far = pieces.voxels[others].sum() / total, pieces.voxels[others[gaps >= _FAR]].sum() / total
    score = min(
        ramp(float(share), fine=_SHARE_FINE, absurd=_SHARE_ABSURD), ramp(float(far), fine=_FAR_FINE, absurd=_FAR_ABSURD)
    )
    count = counted(len(others), "piece")
    told = f"{name}: {share:.1%} of it in {count} besides the largest, up to {gaps.max():.0f} mm away"
    return [Flag((name,), score, told)]
