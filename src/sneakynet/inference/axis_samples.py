"""Where the voxels of a scan lie between those of the network's grid, along one axis."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

# Shares nearer to a whole voxel than this are rounding: the two grids share those voxels.
_WHOLE = 1e-6


@dataclass(frozen=True, eq=False)
class AxisSamples:
    """Voxels of a scan as points between neighbouring voxels of the network's grid.

    Args:
        lower: the voxel at or before each point, ascending.
        upper: the voxel at or after it: ``lower`` itself where the point is a voxel, else the next one.
        share: how far the point is on its way from one to the other, 0 to below 1.
    """

    lower: Int64[Tensor, " out"]
    upper: Int64[Tensor, " out"]
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
        at = torch.where((at - at.round()).abs() < _WHOLE, at.round(), at)
        return cls(lower=at.floor().long(), upper=at.ceil().long(), share=(at - at.floor()).float())

    def __len__(self) -> int:
        return len(self.lower)

    @cached_property
    def whole(self) -> bool:
        """Whether every point is a voxel of the network's grid, so that nothing lies between two."""
        return bool((self.lower == self.upper).all())

    def to(self, device: torch.device) -> "AxisSamples":
        """The same samples on another device."""
        return AxisSamples(self.lower.to(device), self.upper.to(device), self.share.to(device))

    def mirrored(self, length: int) -> "AxisSamples":
        """The points of the mirrored scan on the mirrored grid of ``length`` voxels."""
        share = torch.where(self.share > 0, 1 - self.share, 0.0)
        return AxisSamples((length - 1 - self.upper).flip(0), (length - 1 - self.lower).flip(0), share.flip(0))

    def readers(self, voxels: range) -> range:
        """The points whose lower or upper voxel is one of some consecutive ones."""
        first, stop = _place(self.upper, voxels.start), _place(self.lower, voxels.stop)
        return range(first, max(first, stop))

    def within(self, voxels: range) -> tuple[range, "AxisSamples"]:
        """The points that lie between the first and the last of some consecutive voxels.

        Args:
            voxels: of the network's grid.

        Returns:
            Which points, and their samples counted from the first of the voxels. A point that is the first voxel
            itself belongs to them only where that is the grid's first: else it is the last one of those before.
        """
        first = _place(self.upper, voxels.start + 1) if voxels.start else 0
        stop = max(first, _place(self.upper, voxels.stop))
        points = slice(first, stop)
        return range(first, stop), AxisSamples(
            lower=self.lower[points] - voxels.start, upper=self.upper[points] - voxels.start, share=self.share[points]
        )


def _place(ascending: Int64[Tensor, " _"], value: int) -> int:
    """How many of some ascending numbers are below a value."""
    return int(torch.searchsorted(ascending, value))
