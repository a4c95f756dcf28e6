"""A bone of the left is about as large as its partner of the right."""

import numpy as np

from sneakynet.counted import counted
from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, judged, ramp
from sneakynet.evaluation.plausibility.measured import Measured

_FINE, _ABSURD = 1.5, 3.0
"""Volume of the larger over that of the smaller. Of phantoms and real maps all lie below 1.5 but for the last ribs."""

_LAST_RIBS_FINE, _LAST_RIBS_ABSURD = 3.0, 9.0
"""The same for the last two ribs, whose length differs between the sides of one person."""
LAST_RIBS = (11, 12)
"""Index of those."""

_FEW = 30
"""Voxels of the larger one below which a volume says too little."""

_SURFACE = 3.0
"""Of n voxels about the root of n may go either way: bounds are wider by this many roots."""


def judge_symmetry(measured: Measured) -> Part:
    """Compare the volumes of partners that are both whole."""
    flags = []
    for left in measured.table:
        right = left.mirror
        if left.side != "left" or right is None or not (measured.whole(left.name) and measured.whole(right)):
            continue
        volumes = {name: measured.bones[name].volume_ml for name in (left.name, right)}
        large, small = sorted(volumes, key=lambda name: -volumes[name])
        if measured.bones[large].voxels < _FEW:
            continue
        last = left.group == "ribs" and left.index in LAST_RIBS
        fine, absurd = (_LAST_RIBS_FINE, _LAST_RIBS_ABSURD) if last else (_FINE, _ABSURD)
        room = 1 + _SURFACE / np.sqrt(measured.bones[large].voxels)
        ratio = volumes[large] / volumes[small]
        told = f"{large} has {volumes[large]:.3g} ml, {ratio:.1f} times the {volumes[small]:.3g} ml of {small}"
        score = ramp(float(np.log(ratio)), fine=float(np.log(fine * room)), absurd=float(np.log(absurd * room)))
        flags.append(Flag((large, small), score, told))
    if not flags:
        return abstained("symmetry", "no two partners that are both whole")
    return judged("symmetry", flags, evidence=f"{counted(len(flags), 'pair')} of whole bones")
