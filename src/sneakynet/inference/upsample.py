"""Labels on the scan's own grid, from blended features on the network's.

Interpolation is linear like the head, so the features are interpolated and the head applied after, which is the same as
interpolating the class scores. And where all 8 voxels around a point have the same winning class, so has every mixture
of them: only the few points at the border of a bone (some 2 to 7 in a hundred) need the interpolated head at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor
from torch.nn.functional import embedding_bag

from sneakynet.inference.axis_samples import AxisSamples
from sneakynet.inference.linear_head import LinearHead

Samples = tuple[AxisSamples, AxisSamples, AxisSamples]
"""Along i, j, k."""

CHUNK = {"cpu": 1 << 13, "cuda": 1 << 19}
"""Voxels headed at once: 126 scores of 4 bytes each make 4 MB, which a processor's cache can hold; a GPU needs more to
be filled, and 250 MB are little there."""


@dataclass(frozen=True, eq=False)
class LabelledPlanes:
    """Planes of the scan's own grid.

    Args:
        labels: winning classes.
        confidence: probability of the winning class, percent; None where it was not asked for.
    """

    labels: Integer[Tensor, "k j i"]
    confidence: UInt8[Tensor, "k j i"] | None


def label_planes(
    features: Sequence[Float[Tensor, "k j i _"]],
    head: LinearHead,
    samples: Samples,
    *,
    confidence: bool = False,
) -> LabelledPlanes:
    """Label the points that lie between some voxels of the network's grid.

    Args:
        features: blended, all that the head reads, in parts by channel.
        head: features -> class scores.
        samples: the points along i, j, k, counted from the first voxel.
        confidence: also give the softmax of the winning class's score.

    Returns:
        One label per point, on the features' device: uint8, or int32 where a byte cannot hold the classes.
    """
    flat, shape = [part.reshape(-1, part.shape[-1]) for part in features], features[0].shape[:3]
    one_byte, chunk = len(head.bias) <= 256, CHUNK[flat[0].device.type]
    along = [axis.to(flat[0].device) for axis in samples[::-1]]
    # Where only labels are asked for, most of the background need not be scored.
    settled = head.background_for_certain(features)
    if confidence:
        settled = torch.zeros_like(settled)
    open_voxels = (~settled).reshape(-1).nonzero()[:, 0]
    winners, chances = _scored(flat, open_voxels, head, confidence=confidence)
    winners = winners.reshape(shape)
    if one_byte:
        winners = winners.short()  # half the bytes to copy
    agreed = _agreed(winners, along)
    # The copies along the slowest axis come last: they are of whole planes.
    for dim in (2, 1, 0):
        agreed = agreed.index_select(dim, along[dim].lower)
    sure = None
    if confidence:
        sure = chances.reshape(shape)
        for dim in (2, 1, 0):
            sure = _between(sure, along[dim], dim)
    mixed = (agreed < 0).nonzero()
    for points in torch.split(mixed, chunk) if len(mixed) else ():
        voxels, weights = _corners(points, shape, along)
        mixture = [embedding_bag(voxels, part, mode="sum", per_sample_weights=weights.to(part)) for part in flat]
        won, chance = _winners(mixture, head, confidence=confidence)
        # Counted through the whole array: indexing by three lists takes several times as long.
        at = (points[:, 0] * agreed.shape[1] + points[:, 1]) * agreed.shape[2] + points[:, 2]
        agreed.view(-1).index_copy_(0, at, won.to(agreed))
        if sure is not None and chance is not None:
            sure.view(-1).index_copy_(0, at, chance.to(sure))
    return LabelledPlanes(
        labels=agreed.byte() if one_byte else agreed,
        confidence=None if sure is None else (sure * 100).round().clamp(0, 100).byte(),
    )


def _scored(
    flat: Sequence[Float[Tensor, "voxel _"]], at: Integer[Tensor, " open"], head: LinearHead, *, confidence: bool
) -> tuple[Integer[Tensor, " voxel"], Float[Tensor, " asked"]]:
    """Winner of each voxel, and its probability if that is asked for; background where none is scored."""
    device, voxels = flat[0].device, len(flat[0])
    winners = torch.zeros(voxels, dtype=torch.int32, device=device)
    chances = torch.ones(voxels if confidence else 0, device=device)
    for part in torch.split(at, CHUNK[device.type]) if len(at) else ():
        won, chance = _winners([each.index_select(0, part) for each in flat], head, confidence=confidence)
        winners.index_copy_(0, part, won)
        if chance is not None:
            chances.index_copy_(0, part, chance.float())
    return winners, chances


def _winners(
    features: Sequence[Float[Tensor, "voxel _"]], head: LinearHead, *, confidence: bool
) -> tuple[Integer[Tensor, " voxel"], Float[Tensor, " voxel"] | None]:
    scores = head(features)
    if scores.device.type == "cpu":
        # NumPy's argmax takes a third of the time of torch's.
        winners = torch.from_numpy(scores.numpy().argmax(axis=1)).int()
    else:
        winners = scores.argmax(dim=1).int()
    return winners, torch.softmax(scores, dim=1).amax(dim=1) if confidence else None


def _agreed(winners: Integer[Tensor, "k j i"], along: Sequence[AxisSamples]) -> Integer[Tensor, "k j i"]:
    """Class that a voxel and its neighbours upwards share, -1 where they differ.

    Only along axes that have points between two voxels.
    """
    low = high = winners
    for dim, axis in enumerate(along):
        if not axis.whole:
            low, high = torch.minimum(low, _shifted(low, dim)), torch.maximum(high, _shifted(high, dim))
    return torch.where(low == high, low, -1)


def _shifted(array: Tensor, dim: int) -> Tensor:
    length = array.shape[dim]
    return torch.cat([array.narrow(dim, 1, length - 1), array.narrow(dim, length - 1, 1)], dim=dim)


def _between(values: Float[Tensor, "_ _ _"], axis: AxisSamples, dim: int) -> Float[Tensor, "_ _ _"]:
    """Linear interpolation along one axis."""
    lower = values.index_select(dim, axis.lower)
    if axis.whole:
        return lower
    share = axis.share.to(values).reshape([-1 if d == dim else 1 for d in range(3)])
    return lower.lerp_(values.index_select(dim, axis.upper), share.expand_as(lower))


def _corners(
    points: Integer[Tensor, "point 3"], shape: Sequence[int], along: Sequence[AxisSamples]
) -> tuple[Integer[Tensor, "point corner"], Float[Tensor, "point corner"]]:
    """The voxels around some points of the scan (k, j, i), counted through the grid, and their trilinear weights."""
    base, beyond = points.new_zeros(len(points)), points.new_zeros(1)
    weights, stride = torch.ones(len(points), 1, device=points.device), 1
    for dim in (2, 1, 0):
        axis, at = along[dim], points[:, dim].contiguous()
        base += (axis.lower * stride).index_select(0, at)
        if not axis.whole:
            beyond = torch.cat([beyond, beyond + stride])
            share = axis.share.index_select(0, at)[:, None]
            weights = torch.cat([weights * (1 - share), weights * share], dim=1)
        stride *= shape[dim]
    # What follows upon the last voxel of all has no weight, but must be one.
    return (base[:, None] + beyond).clamp_(max=stride - 1), weights
