"""The last layer of a network: a linear map from a voxel's features to its class scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import linear

# Voxels along the edge of the blocks for which background is proved at once.
_BLOCK = 4

# Class scores are sums of some tens of float32 products: a lead below this may be rounding.
_LEAD = 1e-3


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Scores classes; features come in parts by channel, so that they need not be copied side by side.

    Args:
        weight: of every class for every feature.
        bias: of every class.
    """

    weight: Float[Tensor, "class channel"]
    bias: Float[Tensor, " class"]

    def __call__(self, features: Sequence[Float[Tensor, "voxel _"]]) -> Float[Tensor, "voxel class"]:
        """Class scores of some voxels."""
        joined = torch.cat(list(features), dim=1) if len(features) > 1 else features[0]
        return linear(joined, self.weight, self.bias)

    def background_for_certain(self, features: Sequence[Float[Tensor, "k j i _"]]) -> Bool[Tensor, "k j i"]:
        """Voxels that are proved to be background (class 0) without scoring them.

        By interval arithmetic: within a block of voxels each feature lies between two bounds, and so does the lead
        of background over any other class. Where the least of all leads is positive, background wins in the whole
        block. That settles most of a body at a thirtieth of the cost; the voxels that stay open must be scored.

        Args:
            features: in parts by channel.

        Returns:
            True where background wins for certain.
        """
        bounds = [_bounds(part) for part in features]
        low, high = (torch.cat(list(ends), dim=-1) for ends in zip(*bounds, strict=True))
        weight, bias = self.weight[0] - self.weight[1:], self.bias[0] - self.bias[1:]
        lead = low @ weight.clamp(min=0).t() + high @ weight.clamp(max=0).t() + bias
        certain = lead.amin(dim=-1) > _LEAD
        for dim, edge in enumerate(features[0].shape[:3]):
            certain = certain.repeat_interleave(_BLOCK, dim).narrow(dim, 0, edge)
        return certain


def _bounds(features: Float[Tensor, "k j i channel"]) -> tuple[Tensor, Tensor]:
    """Least and greatest value of every feature in every block; blocks at the far ends may be smaller."""
    low = high = features
    for dim in range(3):
        # Folded half by half, which is four times as fast as a reduction over a strided axis.
        for _ in range(_BLOCK.bit_length() - 1):
            low, high = _halved(low, dim, torch.minimum), _halved(high, dim, torch.maximum)
    return low, high


def _halved(values: Tensor, dim: int, pick: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    length = values.shape[dim]
    index = [slice(None)] * dim
    even, odd = values[(*index, slice(0, None, 2))], values[(*index, slice(1, None, 2))]
    if length % 2:
        last = even.narrow(dim, even.shape[dim] - 1, 1)
        odd = torch.cat([odd, last], dim=dim)
    return pick(even, odd)
