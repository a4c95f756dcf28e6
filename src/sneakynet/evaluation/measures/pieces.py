"""Every bone of a label map, block by block: a voxel far astray costs its own block, not a box around all."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool
from scipy import ndimage

from sneakynet.types import LabelArray

EDGE = 64
"""Voxels of a block along each axis: few bones in it, and little of it in its neighbours' reach."""

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Piece:
    """One bone within a block.

    Args:
        id: its label.
        mask: where the bone is, in a box that reaches beyond what is the piece's own; false outside of the volume.
        own: of ``mask``, the voxels that no other piece has.
        cells: of the cubes between eight voxels of ``mask`` (one fewer along each axis), those that no other has.
        low: index in the volume of the first voxel of ``own``.
    """

    id: int
    mask: Bool[np.ndarray, "i j k"]
    own: Box
    cells: Box
    low: tuple[int, int, int]

    @property
    def in_volume(self) -> Box:
        """Index of ``own`` in the volume."""
        i, j, k = (
            slice(start, start + along.stop - along.start) for start, along in zip(self.low, self.own, strict=True)
        )
        return i, j, k


def pieces(labels: LabelArray, *, highest: int, reach: tuple[int, int, int], edge: int = EDGE) -> Iterator[Piece]:
    """Go through a volume.

    Args:
        labels: class ids.
        highest: labels above it are no bones.
        reach: how many voxels ``mask`` goes beyond the piece along each axis, at least 1.
        edge: of a block.

    Yields:
        Pieces, block by block. Together they own each voxel of a bone, and each cell that holds one, once.
    """
    if highest < 1:  # which find_objects takes for no limit
        return
    for corner in product(*(range(0, n, edge) for n in labels.shape)):
        start = np.array(corner)
        stop = np.minimum(start + edge, labels.shape)
        # With the planes behind: cells reach into them.
        block = labels[_box(start, stop + 1)]
        if not block.any():
            continue
        for label, box in enumerate(ndimage.find_objects(block, max_label=highest), start=1):
            if box is not None:
                low = start + [along.start for along in box]
                high = start + [along.stop for along in box]
                yield _piece(labels, label, box=(low, high), block=(start, stop), reach=np.array(reach))


def _piece(
    labels: LabelArray,
    label: int,
    *,
    box: tuple[np.ndarray, np.ndarray],
    block: tuple[np.ndarray, np.ndarray],
    reach: np.ndarray,
) -> Piece:
    """What a block has of a bone that lies in a box of it, from the first index to the one behind the last."""
    low, high = box
    start, stop = block
    corner = low - reach
    mask = np.zeros(high - low + 2 * reach, dtype=bool)
    first, last = np.maximum(corner, 0), np.minimum(high + reach, labels.shape)
    mask[_box(first - corner, last - corner)] = labels[_box(first, last)] == label
    own_high = np.maximum(low, np.minimum(high, stop))
    # The cells before the volume's first voxels have no block of their own.
    cell_low = np.maximum(low - 1, np.where(start == 0, -1, start))
    cell_high = np.minimum(high, stop)
    i, j, k = (int(n) for n in low)
    return Piece(
        label, mask, _box(low - corner, own_high - corner), _box(cell_low - corner, cell_high - corner), (i, j, k)
    )


def _box(low: np.ndarray, high: np.ndarray) -> Box:
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return i, j, k
