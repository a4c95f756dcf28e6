"""The main joints of a label map: where two bones meet."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy import ndimage
from scipy.spatial import cKDTree

from sneakynet.anatomy.bone import BoneTable
from sneakynet.geometry.affine import to_world
from sneakynet.viewer.slice import Plane
from sneakynet.volumes.volume import Volume

SIDES = ("right", "left")  # as the reader sees them


@dataclass(frozen=True)
class JointKind:
    """A joint of two bones.

    Args:
        name: of the joint; ``{side}`` stands for the side, here and in the bones.
        first: name of a bone.
        second: name of the other.
        planes: in which it is shown.
        field_mm: edge of what is shown around it.
    """

    name: str
    first: str
    second: str
    planes: tuple[Plane, Plane]
    field_mm: float


KINDS = (
    JointKind("{side} shoulder", "scapula_{side}", "humerus_{side}", ("coronal", "axial"), 130.0),
    JointKind("{side} elbow", "humerus_{side}", "ulna_{side}", ("sagittal", "coronal"), 110.0),
    JointKind("{side} wrist", "radius_{side}", "lunate_{side}", ("sagittal", "coronal"), 90.0),
    JointKind("lumbosacral", "vertebrae_L5", "sacrum", ("sagittal", "coronal"), 130.0),
    JointKind("{side} sacroiliac", "hip_{side}", "sacrum", ("axial", "coronal"), 130.0),
    JointKind("{side} hip", "hip_{side}", "femur_{side}", ("coronal", "axial"), 140.0),
    JointKind("{side} knee", "femur_{side}", "patella_{side}", ("sagittal", "axial"), 130.0),
)
"""The joints that a report shows, from head to foot."""

_APART_MM = 15.0
"""Bones that are farther apart do not meet: one of them is a fragment, or the scan cuts the joint away."""

_NEAR_MM = 3.0
"""Beyond the least distance, that still counts as the joint."""

_SAMPLE = 20_000  # voxels of each bone

Box = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Joint:
    """A joint that the scan shows.

    Args:
        name: of it.
        bones: names of the two bones.
        centre_mm: middle of where they meet, world mm, RAS+.
        gap_mm: least distance between voxels of the two.
        kind: how it is shown.
    """

    name: str
    bones: tuple[str, str]
    centre_mm: Float64[np.ndarray, " 3"]
    gap_mm: float
    kind: JointKind


def find_joints(labels: Volume, *, table: BoneTable) -> tuple[Joint, ...]:
    """The joints of `KINDS` whose two bones are there and meet.

    Args:
        labels: ids of the table.
        table: the bones; a joint whose bones it does not have is left out.
    """
    boxes = ndimage.find_objects(labels.voxels, max_label=table.n_classes - 1)
    found = []
    for kind, side in _sided():
        names = kind.first.format(side=side), kind.second.format(side=side)
        if any(name not in table or boxes[table[name].id - 1] is None for name in names):
            continue
        first, second = (table[name].id for name in names)
        where = _between(boxes[first - 1], boxes[second - 1], spacing=labels.spacing)
        one, other = (_points(labels, label, where) for label in (first, second))
        if not len(one) or not len(other):
            continue
        distance, nearest = (np.asarray(each) for each in cKDTree(other).query(one))
        gap = float(distance.min())
        if gap <= _APART_MM:
            near = distance <= gap + _NEAR_MM
            centre = (one[near] + other[nearest[near]]).mean(axis=0) / 2
            found.append(Joint(kind.name.format(side=side).capitalize(), names, centre, gap, kind))
    return tuple(found)


def _sided() -> Iterator[tuple[JointKind, str]]:
    for kind in KINDS:
        for side in SIDES if "{side}" in kind.name else ("",):
            yield kind, side


def _between(one: Box, other: Box, *, spacing: tuple[float, float, float]) -> Box:
    """Where both boxes are, with as much around it as two bones that meet may be apart."""
    return tuple(
        slice(max(0, max(a.start, b.start) - far), max(0, min(a.stop, b.stop) + far))
        for a, b, far in zip(one, other, (round(_APART_MM / step) for step in spacing), strict=True)
    )


def _points(labels: Volume, label: int, where: Box) -> Float64[np.ndarray, "point 3"]:
    """World mm of a sample of a bone's voxels within a box, of those at its surface."""
    mask = labels.voxels[where] == label
    index = np.argwhere(mask & ~ndimage.binary_erosion(mask, border_value=1))
    index = index[:: max(1, len(index) // _SAMPLE)] + [along.start for along in where]
    return to_world(labels.affine, index.astype(np.float64))
