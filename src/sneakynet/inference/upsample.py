"""Labels on the scan's own grid, from blended features on the network's.

Interpolation is linear like the head, so the features are interpolated and the head applied after, which is the same as
interpolating the class scores. And where all 8 voxels around a point have the same winning class, so has every mixture
of them: only the few points at the border of a bone (some 2 to 7 in a hundred) need the interpolated head at all.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor

from sneakynet.inference.blend import Slab
from sneakynet.types import LabelArray

Head = Callable[[Float[Tensor, "voxel channel"]], Float[Tensor, "voxel class"]]

# Points headed at once: 126 scores of 4 bytes each make 64 MB.
CHUNK = 1 << 17
# Points of the scan looked at together for agreement.
BLOCK = 1 << 22


@dataclass(frozen=True, eq=False)
class AxisSamples:
    """Where the voxels of the scan lie between the voxels of the network's grid, along one axis.

    Args:
        lower: index of the voxel before the point, ascending; the point lies between it and the next one. -1 on a grid
            of a single voxel.
        share: how far the point is on its way to the next voxel, 0 to 1.
    """

    lower: Int64[Tensor, " out"]
    share: Float[Tensor, " out"]

    @classmethod
    def along(cls, count: int, *, scale: float, offset: float, length: int) -> "AxisSamples":
        """Samples of ``count`` voxels, voxel ``n`` at ``scale * n + offset``; points outside take the nearest voxel.

        Args:
            count: voxels of the scan along the axis.
            scale: network voxels per scan voxel, positive.
            offset: network coordinate of the scan's first voxel.
            length: voxels of the network's grid along the axis.
        """
        at = (torch.arange(count, dtype=torch.float64) * scale + offset).clamp(0, length - 1)
        lower = at.floor().clamp(max=length - 2)
        return cls(lower=lower.long(), share=(at - lower).float())


def labels_from_slabs(
    slabs: Iterable[Slab],
    head: Head,
    samples: tuple[AxisSamples, AxisSamples, AxisSamples],
    *,
    n_classes: int,
) -> LabelArray:
    """Winning class at every voxel of the scan.

    Args:
        slabs: the blended features, in order along k.
        head: features -> class scores, linear (with a bias or without).
        samples: the scan's voxels along each axis of the network's grid.
        n_classes: decides the type of the result.

    Returns:
        uint8 labels, uint16 where there are more than 256 classes.
    """
    shape = tuple(len(axis.lower) for axis in samples)
    labels = np.zeros(shape, dtype=np.uint8 if n_classes <= 256 else np.uint16)
    first = 0
    for slab in _joined(slabs):
        # Those points whose next plane is here; the others wait for the next slab, which begins with this one's last.
        stop = int(torch.searchsorted(samples[2].lower, slab.stop - 1))
        here = AxisSamples(lower=samples[2].lower[first:stop] - slab.start, share=samples[2].share[first:stop])
        _label_planes(labels[:, :, first:stop], slab, head, (samples[0], samples[1], here))
        first = stop
    return labels


def _joined(slabs: Iterable[Slab]) -> Iterator[Slab]:
    """The slabs, each but the first preceded by the last plane of the one before."""
    last: Tensor | None = None
    for slab in slabs:
        yield slab if last is None else Slab(slab.start - 1, torch.cat([last, slab.features], dim=2))
        last = slab.features[:, :, -1:]


def _label_planes(
    out: LabelArray, slab: Slab, head: Head, samples: tuple[AxisSamples, AxisSamples, AxisSamples]
) -> None:
    """Fill the planes ``out`` of the scan, all of which lie within the slab."""
    if out.size == 0:
        return
    shape, device = slab.features.shape[:3], slab.features.device
    flat = slab.features.flatten(0, 2)
    winners = torch.cat([head(part).argmax(dim=1).int() for part in torch.split(flat, CHUNK)]).reshape(shape)
    lower, upper, share = zip(
        *(_neighbours(axis, n, device) for axis, n in zip(samples, shape, strict=True)), strict=True
    )
    # The axis whose rows are contiguous comes last: by then the copy is as large as the scan.
    agreed = _agreed(winners).index_select(2, lower[2]).index_select(1, lower[1])
    rows = max(1, BLOCK // agreed[0].numel())
    for row in range(0, out.shape[0], rows):
        block = agreed.index_select(0, lower[0][row : row + rows])
        mixed = (block < 0).nonzero()
        for points in torch.split(mixed, CHUNK):
            i, j, k = points.unbind(dim=1)
            at = (i + row, j, k)
            features = _interpolate(flat, shape, at, lower=lower, upper=upper, share=share)
            block[i, j, k] = head(features).argmax(dim=1).int()
        out[row : row + rows] = block.cpu().numpy()


def _neighbours(axis: AxisSamples, length: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    lower, share = axis.lower.to(device), axis.share.to(device)
    return lower.clamp(min=0), (lower + 1).clamp(max=length - 1), share


def _agreed(winners: Int32[Tensor, "i j k"]) -> Int32[Tensor, "i j k"]:
    """Class that a voxel and its 7 neighbours upwards share, -1 where they differ."""
    low = high = winners
    for axis in range(3):
        low = torch.minimum(low, _shifted(low, axis))
        high = torch.maximum(high, _shifted(high, axis))
    return torch.where(low == high, low, -1)


def _shifted(array: Tensor, axis: int) -> Tensor:
    length = array.shape[axis]
    return torch.cat([array.narrow(axis, 1, length - 1), array.narrow(axis, length - 1, 1)], dim=axis)


def _interpolate(
    flat: Float[Tensor, "all channel"],
    shape: Sequence[int],
    at: tuple[Tensor, Tensor, Tensor],
    *,
    lower: Sequence[Tensor],
    upper: Sequence[Tensor],
    share: Sequence[Tensor],
) -> Float[Tensor, "voxel channel"]:
    """Trilinear mixture of the features around the points ``at`` (indices of the scan's voxels)."""
    mixture = flat.new_zeros((len(at[0]), flat.shape[1]))
    for corner in itertools.product((False, True), repeat=3):
        index = torch.zeros_like(at[0])
        weight = flat.new_ones(len(at[0]))
        for axis, up in enumerate(corner):
            part = share[axis][at[axis]]
            index = index * shape[axis] + (upper if up else lower)[axis][at[axis]]
            weight = weight * (part if up else 1 - part)
        mixture.addcmul_(flat[index], weight[:, None])
    return mixture
