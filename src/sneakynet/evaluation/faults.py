"""Faults of a prediction that are about whole bones, each by names: what overlap alone does not tell.

Each kind is defined so that it does not answer to the others: a bone under a wrong name is neither missed nor
invented, and a whole spine named one level too low is in order.
"""

import itertools
from dataclasses import dataclass, fields

import numpy as np

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.evaluation.bone_statistics import BoneStatistics
from sneakynet.evaluation.contingency import Contingency
from sneakynet.geometry.components import find_components
from sneakynet.types import LabelArray

# Of a bone's voxels: fewer than this share called bone at all, and it was missed.
_MISSED = 0.1
# More than this share under each of two names of bones nearby, and it is split.
_SPLIT = 0.2
# More than this share of each of two bones nearby under one name, and they are merged.
_MERGED = 0.5


@dataclass(frozen=True)
class Faults:
    """What is wrong with the bones of one case.

    Args:
        missed: bones of the reference of whose voxels less than a tenth is called bone, whichever.
        invented: bones that the reference does not hold, with more than half of their voxels on its background.
        split: bones of the reference of which two names of one group or series hold more than a fifth each.
        merged: names that hold more than half of two bones of one group or series each.
        fragments: bones with a stray component: one that is not the largest, shares no voxel with the bone in the
            reference, and lies on background by more than half; as often as there are such components.
        out_of_order: bones that lie on the wrong side of the one before them in their series, by their centroids,
            beside how both lie in the reference.
    """

    missed: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    fragments: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()

    def counted(self) -> dict[str, int]:
        """How many of each kind."""
        return {field.name: len(getattr(self, field.name)) for field in fields(self)}


def missed(counts: Contingency, table: BoneTable) -> tuple[str, ...]:
    """Bones that were not found under any name."""
    reference, found = counts.sum(axis=1), counts[:, 1:].sum(axis=1)
    return tuple(bone.name for bone in table if reference[bone.id] and found[bone.id] < _MISSED * reference[bone.id])


def invented(counts: Contingency, table: BoneTable) -> tuple[str, ...]:
    """Bones that are not there."""
    reference, prediction = counts.sum(axis=1), counts.sum(axis=0)
    return tuple(bone.name for bone in table if not reference[bone.id] and 2 * counts[0, bone.id] > prediction[bone.id])


def split(counts: Contingency, table: BoneTable) -> tuple[str, ...]:
    """Bones under several names."""
    reference = counts.sum(axis=1)
    found = []
    for bone in table:
        if reference[bone.id]:
            held = [other for other in table if counts[bone.id, other.id] > _SPLIT * reference[bone.id]]
            if any(_near(one, other) for n, one in enumerate(held) for other in held[:n]):
                found.append(bone.name)
    return tuple(found)


def merged(counts: Contingency, table: BoneTable) -> tuple[str, ...]:
    """Names of several bones."""
    reference = counts.sum(axis=1)
    found = []
    for name in table:
        held = [
            bone for bone in table if reference[bone.id] and counts[bone.id, name.id] > _MERGED * reference[bone.id]
        ]
        if any(_near(one, other) for n, one in enumerate(held) for other in held[:n]):
            found.append(name.name)
    return tuple(found)


def fragments(prediction: LabelArray, reference: LabelArray, table: BoneTable) -> tuple[str, ...]:
    """Bones with pieces astray, a name for each piece."""
    components = find_components(prediction)
    unknown, found = ignored(reference.dtype), []
    for n, label in enumerate(components.label):
        same = components.label == label
        if label >= table.n_classes or n == np.flatnonzero(same)[components.voxels[same].argmax()]:
            continue
        below = reference[components.box(n)][components.mask(n)]
        if not (below == label).any() and 2 * np.count_nonzero((below == 0) & (below != unknown)) > len(below):
            found.append(table.by_id(int(label)).name)
    return tuple(found)


def out_of_order(
    prediction: tuple[BoneStatistics, ...], reference: tuple[BoneStatistics, ...], table: BoneTable
) -> tuple[str, ...]:
    """Bones of a series that exchanged places with the one before."""
    there = {bone.name: np.array(bone.centroid_mm) for bone in reference}
    series: dict[str, list[tuple[int, str, np.ndarray]]] = {}
    for measured in prediction:
        bone = table[measured.name]
        if bone.series is not None and bone.index is not None and measured.name in there:
            series.setdefault(bone.series, []).append((bone.index, bone.name, np.array(measured.centroid_mm)))
    found = []
    for bones in series.values():
        ordered = sorted(bones, key=lambda entry: entry[0])
        for (_, before, here), (_, name, next_) in itertools.pairwise(ordered):
            if float((next_ - here) @ (there[name] - there[before])) < 0:
                found.append(name)
    return tuple(found)


def _near(one: Bone, other: Bone) -> bool:
    return one.group == other.group or (one.series is not None and one.series == other.series)
