"""A whole bone is as large as such bones are, and fits the other bones of the same person."""

import numpy as np

from sneakynet.counted import counted
from sneakynet.evaluation.plausibility.bone_ranges import bone_ranges
from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, between, judged
from sneakynet.evaluation.plausibility.measured import Measured
from sneakynet.evaluation.plausibility.symmetry import LAST_RIBS

_BEYOND = 2.0
"""A volume this many times beyond the range of its bone is absurd."""

_FIT_FINE, _FIT_ABSURD = 1.6, 2.5
"""How many times a bone may be larger or smaller than the person's other bones lead to expect."""

_OTHERS = 5
"""Whole bones that it takes to say how large a person's bones are."""

_FEW = 30
"""Voxels that a middling bone must fill, or its volume says too little."""


def judge_size(measured: Measured) -> Part:
    """Judge the volumes of whole bones."""
    ranges, voxel_ml = bone_ranges(), abs(float(np.linalg.det(measured.affine[:3, :3]))) / 1000
    whole = {
        name: bone.volume_ml
        for name, bone in measured.bones.items()
        if measured.whole(name) and name in ranges and ranges[name].median_ml >= _FEW * voxel_ml
    }
    if not whole:
        return abstained("size", "no bone that is whole and has voxels small enough to measure it")
    times = {name: volume / ranges[name].median_ml for name, volume in whole.items()}
    person = float(np.median(list(times.values()))) if len(times) > _OTHERS else None
    flags = []
    for name, volume in whole.items():
        low, high = ranges[name].low_ml, ranges[name].high_ml
        score = _score(volume, (low, high), (low / _BEYOND, high * _BEYOND))
        told = f"{name} has {volume:.3g} ml; such bones have {low:.3g} to {high:.3g} ml"
        # The last ribs are long or short whatever the person.
        if person is not None and not (
            measured.table[name].group == "ribs" and measured.table[name].index in LAST_RIBS
        ):
            expected = person * ranges[name].median_ml
            fine, absurd = ((expected / t, expected * t) for t in (_FIT_FINE, _FIT_ABSURD))
            if (fits := _score(volume, fine, absurd)) < score:
                score = fits
                told = f"{name} has {volume:.3g} ml; the person's other bones lead to expect {expected:.3g} ml"
        flags.append(Flag((name,), score, told))
    return judged("size", flags, evidence=counted(len(whole), "whole bone"))


def _score(volume: float, fine: tuple[float, float], absurd: tuple[float, float]) -> float:
    low, high = (float(np.log(bound)) for bound in fine)
    least, most = (float(np.log(bound)) for bound in absurd)
    return between(float(np.log(volume)), (low, high), (least, most))
