"""The scan and its labels at 1x, 2x, 4x ..., pooled once, so that a context patch is a plain slice.

Pooling 16 million voxels for every context patch is what makes wide contexts slow; pooled once, all levels together
cost 14 % more memory than the scan alone. Cells have phase 0: cell ``c`` of level ``n`` covers the voxels
``c * 2**n ... (c + 1) * 2**n - 1``; the volume is first padded with its edge values to a multiple of the largest scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch.nn.functional import avg_pool3d

from sneakynet.types import LabelArray, ScanArray

ContextLabels = Literal["majority", "bone"]

# A pooled cell is bone (option `bone`) from this share of bone voxels on: thin ribs would vanish at scale 8 otherwise.
BONE_SHARE = 0.25

_CELLS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Pyramid:
    """One case at several scales; level ``n`` is pooled by ``2**n``.

    Args:
        scan: by level, int16 HU.
        labels: by level, class ids.
    """

    scan: dict[int, ScanArray]
    labels: dict[int, LabelArray]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the padded scan along i, j, k."""
        i, j, k = self.scan[0].shape
        return i, j, k

    @property
    def coarsest(self) -> int:
        """Voxels along the edge of the largest pooled cell."""
        return int(2 ** max(self.scan))


def build_pyramid(
    scan: ScanArray,
    labels: LabelArray,
    *,
    levels: Sequence[int],
    n_classes: int,
    context_labels: ContextLabels = "majority",
) -> Pyramid:
    """Pool a case.

    Args:
        scan: HU, already clipped to the model's window (clip first, pool second, as inference does).
        labels: class ids on the same grid.
        levels: exponents of the contexts' scales; level 0 is always there.
        n_classes: background included.
        context_labels: ``majority`` takes the commonest label of a cell (the lowest id among equals); ``bone`` takes
            the commonest bone wherever at least a quarter of the cell is bone.
    """
    coarsest = 2 ** max(levels, default=0)
    scan, labels = pad_to_multiple(scan, coarsest), pad_to_multiple(labels, coarsest)
    exact = np.ascontiguousarray(scan, dtype=np.float32)
    scans, pooled_labels = {0: scan.astype(np.int16)}, {0: labels}
    for level in sorted(set(levels) - {0}):
        scans[level] = np.round(pool_scan(exact, 2**level)).astype(np.int16)
        pooled_labels[level] = pool_labels(labels, 2**level, n_classes=n_classes, context_labels=context_labels)
    return Pyramid(scan=scans, labels=pooled_labels)


def pad_to_multiple(array: ScanArray, multiple: int) -> Float[np.ndarray, "i2 j2 k2"] | Integer[np.ndarray, "i2 j2 k2"]:
    """Repeat the last voxels until every edge is a multiple; voxel 0 stays voxel 0."""
    widths = [(0, -edge % multiple) for edge in array.shape]
    return np.pad(array, widths, mode="edge") if any(after for _, after in widths) else array


def pool_scan(scan: Float[np.ndarray, "i j k"], scale: int) -> Float[np.ndarray, "i2 j2 k2"]:
    """Average cells of ``scale`` voxels along each edge."""
    return avg_pool3d(torch.from_numpy(scan)[None, None], scale)[0, 0].numpy()


def pool_labels(
    labels: LabelArray, scale: int, *, n_classes: int, context_labels: ContextLabels = "majority"
) -> Integer[np.ndarray, "i2 j2 k2"]:
    """One label per cell of ``scale`` voxels along each edge (see ``build_pyramid`` for the vote)."""
    i, j, k = (edge // scale for edge in labels.shape)
    cells = labels.reshape(i, scale, j, scale, k, scale).transpose(0, 2, 4, 1, 3, 5).reshape(i * j * k, scale**3)
    votes = cells[:, 0].copy()
    mixed = np.flatnonzero((cells != votes[:, None]).any(1))
    for start in range(0, len(mixed), _CELLS_AT_ONCE):
        part = mixed[start : start + _CELLS_AT_ONCE]
        rows = np.arange(len(part))[:, None] * n_classes
        counts = np.bincount((rows + cells[part]).ravel(), minlength=len(part) * n_classes).reshape(-1, n_classes)
        vote = counts.argmax(1)
        if context_labels == "bone":
            bony = counts[:, 1:].sum(1) >= BONE_SHARE * scale**3
            vote = np.where(bony, counts[:, 1:].argmax(1) + 1, 0)
        votes[part] = vote
    return votes.reshape(i, j, k)
