"""Bones are dense: not air, not soft tissue, not metal."""

from sneakynet.counted import counted
from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, between, judged, ramp
from sneakynet.evaluation.plausibility.measured import Measured

_MEAN_FINE, _MEAN_ABSURD = (80.0, 1400.0), (40.0, 2200.0)
"""Mean HU of a bone, cortex and marrow: muscle has 40 to 60, metal over 2000. In the label maps of two patients bones
have 136 to 306, a femur with metal 574; a mandible 900."""

_AIR_FINE, _AIR_ABSURD = 0.1, 0.4
"""Share of a bone's voxels below -300 HU. The skull's sinuses hold air, and ribs share voxels with lung."""

_FEW = 10
"""Voxels that a bone must have: fewer are mostly its edge."""


def judge_density(measured: Measured) -> Part:
    """Judge the intensities of the scan within each bone."""
    if measured.air is None:
        return abstained("density", "no scan was given")
    bones = {name: bone for name, bone in measured.bones.items() if bone.voxels >= _FEW}
    if not bones:
        return abstained("density", f"no bone of {_FEW} voxels")
    flags = []
    for name, bone in bones.items():
        mean, air = bone.mean_hu or 0.0, measured.air[name]
        score = min(between(mean, _MEAN_FINE, _MEAN_ABSURD), ramp(air, fine=_AIR_FINE, absurd=_AIR_ABSURD))
        told = f"{name} has {mean:.0f} HU on average, {air:.0%} of it in air or lung"
        flags.append(Flag((name,), score, told))
    return judged("density", flags, evidence=counted(len(bones), "bone"))
