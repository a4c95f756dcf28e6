"""The connected pieces of a label map: voxels of one label that touch at a face, an edge or a corner.

cc3d numbers 16 million voxels in a tenth of a second, but each number takes up to 4 bytes: 630 MB for a scan of
512 x 512 x 600. So the map is numbered a slab at a time. Neighbouring slabs share one plane, and pieces that meet in a
voxel of it are parts of one component. The numbers are not kept: where the voxels of a component are asked for, their
slab is numbered again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cc3d
import numpy as np
from jaxtyping import Bool, Float64, Int64, Integer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sneakynet.types import LabelArray

# Voxels numbered together: their numbers take 64 MB.
_BLOCK = 1 << 24

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Components:
    """Every component of a label map, ordered by label; background has none.

    Args:
        array: the map, or a mask.
        label: what the voxels bear.
        voxels: how many.
        centroid: mean of their indices.
        low: lowest index along each axis.
        high: highest index along each axis.
        first: index into the flattened map of the first voxel, which no other component has.
        numbers: per slab, component of each number that cc3d gives there.
    """

    array: LabelArray | Bool[np.ndarray, "i j k"]
    label: Int64[np.ndarray, " component"]
    voxels: Int64[np.ndarray, " component"]
    centroid: Float64[np.ndarray, "component 3"]
    low: Int64[np.ndarray, "component 3"]
    high: Int64[np.ndarray, "component 3"]
    first: Int64[np.ndarray, " component"]
    numbers: tuple[Int64[np.ndarray, " _"], ...]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def edges(self) -> Int64[np.ndarray, "component 3"]:
        """Voxels along each edge of the bounding box."""
        edges: np.ndarray = self.high - self.low + 1
        return edges

    def box(self, component: int) -> Box:
        """Bounding box of one component."""
        i, j, k = (slice(int(a), int(b) + 1) for a, b in zip(self.low[component], self.high[component], strict=True))
        return i, j, k

    def mask(self, component: int) -> Bool[np.ndarray, "i j k"]:
        """Voxels of one component, within its bounding box."""
        like: np.ndarray = self.array[self.box(component)] == self.label[component]
        if np.count_nonzero(like) == self.voxels[component]:
            return like
        # Others of the same label reach into the box.
        pieces = find_components(like)
        at = np.subtract(np.unravel_index(self.first[component], self.array.shape), self.low[component])
        own: np.ndarray = np.zeros_like(like)
        for box, part in pieces.masks(pieces.first == np.ravel_multi_index(tuple(at), like.shape)):
            own[box] = part
        return own

    def masks(self, chosen: Bool[np.ndarray, " component"]) -> Iterator[tuple[Box, Bool[np.ndarray, "i j k"]]]:
        """Voxels of some components, slab by slab.

        Args:
            chosen: which.

        Yields:
            Boxes that do not overlap, and the voxels within each.
        """
        everywhere = slice(None)
        for (start, stop), numbers in zip(_slabs(self.array.shape), self.numbers, strict=True):
            lut = np.append(False, chosen[numbers[1:]])
            if lut.any():
                fresh = 1 if start else 0  # the plane before was the other slab's
                mask = lut[_numbered(self.array[start:stop])[0][fresh:]]
                yield (slice(start + fresh, stop), everywhere, everywhere), mask


def find_components(array: LabelArray | Bool[np.ndarray, "i j k"]) -> Components:
    """Find the connected components of every label in one pass.

    Args:
        array: labels, or a mask; fastest where the first axis is the slowest in memory.

    Returns:
        The components, those of one label one after the other.
    """
    pieces, links, numbers = [_Pieces.none()], [np.zeros((2, 0), dtype=np.int64)], []
    total, below = 0, None
    for start, stop in _slabs(array.shape):
        part = array[start:stop]
        found, count = _numbered(part)
        pieces.append(_Pieces.of(part, found, count, start=start))
        # Number n of this slab is piece `ids[n]` of all; 0 is background.
        ids = np.append(-1, np.arange(total, total + count))
        if below is not None:
            shared = found[0] > 0
            links.append(np.unique(np.stack([below[shared], ids[found[0]][shared]]), axis=1))
        below = ids[found[-1]]
        numbers.append(ids)
        total += count
    merged, of_piece = _Pieces.joined(pieces).merged(np.concatenate(links, axis=1))
    return Components(
        array=array,
        label=merged.label,
        voxels=merged.voxels,
        centroid=merged.index_sum / merged.voxels[:, None],
        low=merged.low,
        high=merged.high,
        first=merged.first,
        numbers=tuple(np.append(-1, of_piece[ids[1:]]) for ids in numbers),
    )


def _slabs(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First plane and plane after the last of each slab; the last plane of one is the first of the next."""
    if 0 in shape:
        return
    planes = shape[0]
    step = max(1, _BLOCK // (shape[1] * shape[2]) - 1)
    for start in range(0, max(1, planes - 1), step):
        yield start, min(start + step + 1, planes)


def _numbered(part: np.ndarray) -> tuple[Integer[np.ndarray, "i j k"], int]:
    # cc3d refuses what is read-only, such as a file mapped into memory.
    part = np.require(part, requirements=["C_CONTIGUOUS", "WRITEABLE"])
    numbers, count = cc3d.connected_components(part, connectivity=26, return_N=True)
    return numbers, int(count)


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Parts of components, one slab's or all slabs'. The plane that two slabs share counts in the first."""

    label: Int64[np.ndarray, " piece"]
    voxels: Int64[np.ndarray, " piece"]
    index_sum: Float64[np.ndarray, "piece 3"]
    low: Int64[np.ndarray, "piece 3"]
    high: Int64[np.ndarray, "piece 3"]
    first: Int64[np.ndarray, " piece"]

    @classmethod
    def none(cls) -> "_Pieces":
        one, three = np.zeros(0, dtype=np.int64), np.zeros((0, 3), dtype=np.int64)
        return cls(label=one, voxels=one, index_sum=np.zeros((0, 3)), low=three, high=three, first=one)

    @classmethod
    def of(cls, part: np.ndarray, numbers: Integer[np.ndarray, "i j k"], count: int, *, start: int) -> "_Pieces":
        """Measure the pieces of one slab.

        Args:
            part: its labels.
            numbers: of its pieces, 1 to ``count``; 0 is background.
            count: how many there are.
            start: its first plane.
        """
        where = np.flatnonzero(numbers)
        number = numbers.ravel()[where]
        label, first = np.zeros((2, count + 1), dtype=np.int64)
        label[number] = part.ravel()[where]
        first[number[::-1]] = where[::-1]  # of several values for one place, NumPy keeps the last
        figures = cc3d.statistics(numbers, no_slice_conversion=True)
        voxels = figures["voxel_counts"].astype(np.int64)
        index_sum = figures["centroids"] * voxels[:, None]
        if start:
            in_plane = np.argwhere(numbers[0])
            at = numbers[0][tuple(in_plane.T)]
            voxels -= np.bincount(at, minlength=count + 1)
            for axis, index in enumerate(in_plane.T, start=1):
                index_sum[:, axis] -= np.bincount(at, weights=index, minlength=count + 1)
        index_sum[:, 0] += start * voxels
        box = figures["bounding_boxes"].astype(np.int64) + np.array([start, start, 0, 0, 0, 0])
        return cls(
            label=label[1:],
            voxels=voxels[1:],
            index_sum=index_sum[1:],
            low=box[1:, ::2],
            high=box[1:, 1::2],
            first=first[1:] + start * part[0].size,
        )

    @classmethod
    def joined(cls, pieces: list["_Pieces"]) -> "_Pieces":
        """Those of all slabs, one after the other."""
        return cls(
            label=np.concatenate([p.label for p in pieces]),
            voxels=np.concatenate([p.voxels for p in pieces]),
            index_sum=np.concatenate([p.index_sum for p in pieces]),
            low=np.concatenate([p.low for p in pieces]),
            high=np.concatenate([p.high for p in pieces]),
            first=np.concatenate([p.first for p in pieces]),
        )

    def merged(self, links: Int64[np.ndarray, "2 link"]) -> tuple["_Pieces", Int64[np.ndarray, " piece"]]:
        """Make one of those that are linked.

        Args:
            links: pairs of pieces.

        Returns:
            The wholes, ordered by label and then by first voxel; and the whole that each piece is part of.
        """
        total = len(self.label)
        graph = coo_array((np.ones(links.shape[1], dtype=bool), (links[0], links[1])), shape=(total, total))
        count, group = connected_components(graph, directed=False)
        label, voxels = np.zeros((2, count), dtype=np.int64)
        first = np.full(count, np.iinfo(np.int64).max)
        index_sum = np.zeros((count, 3))
        low, high = np.full((count, 3), np.iinfo(np.int64).max), np.full((count, 3), -1)
        label[group] = self.label
        np.add.at(voxels, group, self.voxels)
        np.add.at(index_sum, group, self.index_sum)
        np.minimum.at(first, group, self.first)
        np.minimum.at(low, group, self.low)
        np.maximum.at(high, group, self.high)
        order = np.lexsort((first, label))
        whole = np.empty(count, dtype=np.int64)
        whole[order] = np.arange(count)
        wholes = _Pieces(
            label=label[order],
            voxels=voxels[order],
            index_sum=index_sum[order],
            low=low[order],
            high=high[order],
            first=first[order],
        )
        return wholes, whole[group]
