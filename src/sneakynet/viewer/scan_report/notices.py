"""What of a segmentation should be looked at before its bones are used, in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sneakynet.evaluation.measures.bone_measures import BoneMeasures
from sneakynet.evaluation.plausibility.inspection import Inspection

Kind = Literal["look", "unsure", "metal", "cut"]

_UNSURE = 70.0
"""Percent of mean confidence below which a bone counts as doubtful."""

_METAL = 2000.0
"""HU that the densest twentieth of a bone has from metal alone: cortex has up to 1900, and enamel is less of a jaw."""


@dataclass(frozen=True)
class Notice:
    """One thing to look at.

    Args:
        kind: ``look`` for the implausible, ``unsure`` for doubtful labels, ``metal``, ``cut`` for what the scan cuts.
        topic: part of the inspection, or what it is about.
        text: what was seen.
        bones: names of the bones concerned.
    """

    kind: Kind
    topic: str
    text: str
    bones: tuple[str, ...]


def find_notices(inspection: Inspection, bones: Sequence[BoneMeasures]) -> tuple[Notice, ...]:
    """Implausible findings, the worst first; then doubtful labels, metal, and cut bones, face by face."""
    found = [Notice("look", part, flag.evidence, flag.bones) for part, flag in inspection.flags]
    unsure = sorted(
        (bone.confidence_percent, bone.name)
        for bone in bones
        if bone.confidence_percent is not None and bone.confidence_percent < _UNSURE
    )
    if unsure:
        listed = ", ".join(f"{name} ({percent:.0f} %)" for percent, name in unsure)
        text = f"the network was less than {_UNSURE:.0f} % sure of {listed}"
        found.append(Notice("unsure", "confidence", text, tuple(name for _, name in unsure)))
    metal = [bone for bone in bones if bone.p95_hu is not None and bone.p95_hu >= _METAL]
    if metal:
        listed = ", ".join(f"{bone.name} ({bone.p95_hu:,.0f} HU)" for bone in metal)
        text = f"the densest twentieth of {listed} is metal; its streaks spoil densities and labels around it"
        found.append(Notice("metal", "metal", text, tuple(bone.name for bone in metal)))
    faces = dict.fromkeys(face for bone in bones for face in bone.cut_faces)
    for face in faces:
        names = tuple(bone.name for bone in bones if face in bone.cut_faces)
        text = f"the scan ends at its {face} face within {', '.join(names)}: figures are those of the parts in it"
        found.append(Notice("cut", "cut bones", text, names))
    return tuple(found)
