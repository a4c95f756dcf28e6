"""The scan and its labels at 1x, 2x, 4x ..., pooled once, so that a context patch is a plain slice.

Pooling 16 million voxels for every context patch is what makes wide contexts slow; pooled once, all levels together
cost 14 % more memory than the scan alone. Cells have phase 0: cell ``c`` of level ``n`` covers the voxels
``c * 2**n ... (c + 1) * 2**n - 1``; the volume is first padded with its edge values to a multiple of the largest scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Integer, Shaped
from torch import Tensor
from torch.nn.functional import avg_pool3d

ContextLabels = Literal["majority", "bone"]

# A pooled cell is bone (option `bone`) from this share of bone voxels on: thin ribs would vanish at scale 8 otherwise.
BONE_SHARE = 0.25

# Mixed cells are counted in pieces: a row of counts holds every class.
_CELLS_AT_ONCE = 1 << 15


@runtime_checkable
class Level(Protocol):
    """One scale of a scan or of its labels: a tensor, or something on disk of which boxes are tensors."""

    @property
    def shape(self) -> Sequence[int]:
        """Cells along i, j, k."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Of the boxes."""
        ...

    @property
    def device(self) -> torch.device:
        """On which the boxes lie."""
        ...

    def __getitem__(self, box: tuple[slice, ...] | slice, /) -> Tensor:
        """A box, to be read alone; slices of step 1."""
        ...

    def to(self, device: torch.device, /) -> Tensor:
        """All of it, on a device."""
        ...


@dataclass(frozen=True)
class Pyramid:
    """One case at several scales; level ``n`` is pooled by ``2**n``.

    Args:
        scan: by level, HU; int16, or the type the scan was given in where it lies on a device.
        labels: by level, class ids.
    """

    scan: Mapping[int, Level]
    labels: Mapping[int, Level]

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
    scan: Tensor,
    labels: Tensor,
    *,
    levels: Sequence[int],
    n_classes: int,
    context_labels: ContextLabels = "majority",
) -> Pyramid:
    """Pool a case, on the device it lies on.

    Args:
        scan: HU, already clipped to the model's window (clip first, pool second, as inference does).
        labels: class ids on the same grid; the highest value of their type is no class (see ``anatomy.ignored``).
        levels: exponents of the contexts' scales; level 0 is always there.
        n_classes: background included.
        context_labels: ``majority`` takes the commonest label of a cell (the lowest id among equals); ``bone`` takes
            the commonest bone wherever at least a quarter of the cell is bone.
    """
    coarsest = 2 ** max(levels, default=0)
    exact, labels = pad_to_multiple(scan.float(), coarsest), pad_to_multiple(labels, coarsest)
    scans, pooled_labels = {0: exact.round().to(torch.int16)}, {0: labels}
    for level in sorted(set(levels) - {0}):
        scans[level] = pool_scan(exact, 2**level).round().to(torch.int16)
        pooled_labels[level] = pool_labels(labels, 2**level, n_classes=n_classes, context_labels=context_labels)
    return Pyramid(scan=scans, labels=pooled_labels)


def pad_to_multiple(volume: Shaped[Tensor, "i j k"], multiple: int) -> Shaped[Tensor, "i2 j2 k2"]:
    """Repeat the last voxels until every edge is a multiple; voxel 0 stays voxel 0."""
    for axis, edge in enumerate(volume.shape):
        if missing := -edge % multiple:
            last = volume.narrow(axis, edge - 1, 1)
            volume = torch.cat([volume, last.expand(*(missing if n == axis else -1 for n in range(3)))], dim=axis)
    return volume.contiguous()


def pool_scan(scan: Float[Tensor, "i j k"], scale: int) -> Float[Tensor, "i2 j2 k2"]:
    """Average cells of ``scale`` voxels along each edge."""
    return avg_pool3d(scan[None, None], scale)[0, 0]


def pool_labels(
    labels: Integer[Tensor, "i j k"], scale: int, *, n_classes: int, context_labels: ContextLabels = "majority"
) -> Integer[Tensor, "i2 j2 k2"]:
    """One label per cell of ``scale`` voxels along each edge (see ``build_pyramid`` for the vote).

    Ignored voxels vote like a class of their own, and in a cell with enough bone they are outvoted by it.
    """
    i, j, k = (edge // scale for edge in labels.shape)
    cells = labels.reshape(i, scale, j, scale, k, scale).permute(0, 2, 4, 1, 3, 5).reshape(i * j * k, scale**3)
    votes = cells[:, 0].clone()
    ignored = torch.iinfo(labels.dtype).max
    mixed = (cells != votes[:, None]).any(1).nonzero()[:, 0]
    for part in torch.split(mixed, _CELLS_AT_ONCE):
        members = cells[part].long()
        members[members == ignored] = n_classes
        counts = torch.zeros(len(part), n_classes + 1, dtype=torch.int32, device=labels.device)
        counts.scatter_add_(1, members, torch.ones_like(members, dtype=torch.int32))
        # Among equal counts the lowest id wins.
        ranked = counts * (n_classes + 1) + torch.arange(n_classes, -1, -1, device=labels.device, dtype=torch.int32)
        vote = ranked.argmax(1)
        if context_labels == "bone":
            bony = counts[:, 1:n_classes].sum(1) >= BONE_SHARE * scale**3
            empty = torch.where(counts[:, 0] >= counts[:, n_classes], 0, n_classes)
            vote = torch.where(bony, ranked[:, 1:n_classes].argmax(1) + 1, empty)
        vote[vote == n_classes] = ignored
        votes[part] = vote.to(labels.dtype)
    return votes.reshape(i, j, k)
