"""What all parts of plausibility are judged by: a label map's bones, measured once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.bone_statistics import BoneStatistics, bone_statistics
from sneakynet.evaluation.slabs import slabs
from sneakynet.geometry.affine import to_world
from sneakynet.geometry.components import Components, find_components
from sneakynet.types import Affine, LabelArray
from sneakynet.volumes.volume import Volume

_AIR = -300
"""HU below which there is air, or lung: neither fat (-100) nor bone with a share of air in its voxel."""

_MAIN = 0.15
"""Voxels of a piece over those of the largest of its bone from which on it is a part of the bone: thin bones tear."""

_BROAD = 0.3
"""A bone's voxels in its last plane, over those in a middling one, from which on it is cut there."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The bones of a label map.

    Args:
        table: the classes.
        bones: what each bone that is there measures, by name; densities are None without a scan.
        pieces: their components, along the axes as they lie in memory.
        affine: index of ``pieces`` to world mm, RAS+.
        cut: names of the bones that go on where the scan or the labelling ends.
        ends: lowest and highest index of the field that is labelled: the scan, or less of it where labels end at a
            plane within it.
        air: share of each bone's voxels that lie in air, by name; None without a scan.
    """

    table: BoneTable
    bones: Mapping[str, BoneStatistics]
    pieces: Components
    affine: Affine
    cut: frozenset[str]
    ends: Int64[np.ndarray, "2 3"]
    air: Mapping[str, float] | None

    def series(self, name: str) -> list[Bone]:
        """The bones of a series that are there, by index."""
        return sorted((b for b in self.table if b.series == name and b.name in self.bones), key=lambda b: b.index or 0)

    def centroid(self, name: str) -> Float64[np.ndarray, " 3"]:
        """Middle of a bone's main pieces, world mm, RAS+: what is astray does not move it."""
        main = self.main_pieces(name)
        index = np.average(self.pieces.centroid[main], axis=0, weights=self.pieces.voxels[main])
        middle: np.ndarray = to_world(self.affine, index[None])[0]
        return middle

    def whole(self, name: str) -> bool:
        """Whether a bone is there and not cut."""
        return name in self.bones and name not in self.cut

    def pieces_of(self, name: str) -> Int64[np.ndarray, " component"]:
        """Numbers of a bone's components, the largest first."""
        own: np.ndarray = np.flatnonzero(self.pieces.label == self.bones[name].id)
        ordered: np.ndarray = own[np.argsort(-self.pieces.voxels[own], kind="stable")]
        return ordered

    def main_pieces(self, name: str) -> Int64[np.ndarray, " component"]:
        """Those of a bone's components that are parts of it rather than astray, the largest first."""
        own = self.pieces_of(name)
        main: np.ndarray = own[self.pieces.voxels[own] >= _MAIN * self.pieces.voxels[own[0]]]
        return main

    def points(self, name: str) -> Float64[np.ndarray, "voxel 3"]:
        """World mm of every voxel of a bone's main pieces."""
        indices = [np.argwhere(self.pieces.mask(int(n))) + self.pieces.low[n] for n in self.main_pieces(name)]
        return to_world(self.affine, np.concatenate(indices).astype(np.float64))

    def to_end(self, point: Float64[np.ndarray, " 3"]) -> float:
        """Mm from a point to the nearest face of the labelled field."""
        index = np.linalg.solve(self.affine[:3, :3], point - self.affine[:3, 3])
        steps = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float((np.minimum(index - self.ends[0], self.ends[1] - index) * steps).min())


def measure(labels: Volume, scan: Volume | None, *, table: BoneTable) -> Measured:
    """Measure a label map.

    Args:
        labels: ids of the table, on any grid.
        scan: HU on the same grid, or None.
        table: the bones behind the ids.

    Raises:
        VolumeError: labels and scan differ in shape.
        BoneTableError: a label is not in the table.
    """
    bones = {bone.name: bone for bone in bone_statistics(labels, scan, table=table)}
    order = [int(axis) for axis in np.argsort(-np.abs(labels.voxels.strides), kind="stable")]
    pieces = find_components(labels.voxels.transpose(order))
    ends, cut = _ends(pieces, bones)
    air = None if scan is None else _in_air(labels.voxels, scan, bones=bones)
    return Measured(table, bones, pieces, labels.affine[:, [*order, 3]], cut, ends, air)


def _ends(pieces: Components, bones: Mapping[str, BoneStatistics]) -> tuple[Int64[np.ndarray, "2 3"], frozenset[str]]:
    """Where the labelled field ends, and which bones are cut there.

    A scan padded with air, or labelled up to some slice, ends within its grid. Two bones that end in one plane, and
    broadly, show it.
    """
    shape = np.array(pieces.array.shape)
    ends = np.stack([np.zeros_like(shape), shape - 1])
    cut = {name for name, bone in bones.items() if bone.touches_edge}
    if not len(pieces):
        return ends, frozenset(cut)
    n = int(pieces.label.max()) + 1
    names = {bone.id: name for name, bone in bones.items()}
    voxels = np.bincount(pieces.label, weights=pieces.voxels, minlength=n)
    for axis in range(3):
        low, high = np.full(n, shape[axis]), np.full(n, -1)
        np.minimum.at(low, pieces.label, pieces.low[:, axis])
        np.maximum.at(high, pieces.label, pieces.high[:, axis])
        across = voxels / np.maximum(1, high - low + 1)  # voxels of a middling plane
        for side, plane in enumerate((int(low.min()), int(high.max()))):
            there = np.bincount(pieces.array.take(plane, axis=axis).ravel(), minlength=n)
            broad = [names[int(i)] for i in np.flatnonzero(there[1:] > _BROAD * across[1:]) + 1]
            if len(broad) > 1:
                ends[side, axis] = plane
                cut.update(broad)
    return ends, frozenset(cut)


def _in_air(labels: LabelArray, scan: Volume, *, bones: Mapping[str, BoneStatistics]) -> dict[str, float]:
    n = max((bone.id for bone in bones.values()), default=0) + 1
    voxels = np.zeros(n, dtype=np.int64)
    for slab in slabs(labels):
        part = labels[slab]
        voxels += np.bincount(part[(part > 0) & (scan.voxels[slab] < _AIR)], minlength=n)
    return {name: float(voxels[bone.id] / bone.voxels) for name, bone in bones.items()}
