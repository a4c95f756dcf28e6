"""Labels on the scan's own grid, from blended features on the network's.

Interpolation is linear like the head, so the features are interpolated and the head applied after, which is the same as
interpolating the class scores. And where all 8 voxels around a point have the same winning class, so has every mixture
of them: only the few points at the border of a bone (some 2 to 7 in a hundred) need the interpolated head at all.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

from sneakynet.inference.axis_samples import AxisSamples

Head = Callable[[Float[Tensor, "voxel channel"]], Float[Tensor, "voxel class"]]
"""Features of some voxels -> their class scores; linear, with a bias or without."""

Samples = tuple[AxisSamples, AxisSamples, AxisSamples]
"""Along i, j, k."""

CHUNK = 1 << 14
"""Voxels headed at once: 126 scores of 4 bytes each make 8 MB, which a processor's cache can hold."""


@dataclass(frozen=True, eq=False)
class LabelledPlanes:
    """Planes of the scan's own grid.

    Args:
        labels: winning classes.
        confidence: probability of the winning class, percent; None where it was not asked for.
    """

    labels: Integer[np.ndarray, "k j i"]
    confidence: Integer[np.ndarray, "k j i"] | None


def label_planes(
    features: Float[Tensor, "k j i channel"],
    head: Head,
    samples: Samples,
    *,
    dtype: type[np.unsignedinteger],
    confidence: bool = False,
) -> LabelledPlanes:
    """Label the points that lie between some voxels of the network's grid.

    Args:
        features: blended, all channels that the head reads.
        head: features -> class scores.
        samples: the points along i, j, k, counted from the first voxel.
        dtype: of the labels.
        confidence: also give the softmax of the winning class's score.

    Returns:
        One label per point.
    """
    flat, shape = features.flatten(0, 2), features.shape[:3]
    along = [axis.to(features.device) for axis in samples[::-1]]
    wins = [_winners(part, head, confidence=confidence) for part in torch.split(flat, CHUNK)]
    winners = torch.cat([win for win, _ in wins]).reshape(shape)
    # The copies along the slowest axis come last: they are of whole planes.
    agreed = _agreed(winners, along)
    for dim in (2, 1, 0):
        agreed = agreed.index_select(dim, along[dim].lower)
    sure = None
    if confidence:
        sure = torch.cat([chance for _, chance in wins if chance is not None]).reshape(shape)
        for dim in (2, 1, 0):
            sure = _between(sure, along[dim], dim)
    mixed = (agreed < 0).nonzero()
    for points in torch.split(mixed, CHUNK) if len(mixed) else ():
        at = points.unbind(dim=1)
        agreed[at], chance = _winners(_interpolate(flat, shape, at, along), head, confidence=confidence)
        if sure is not None and chance is not None:
            sure[at] = chance
    return LabelledPlanes(
        labels=agreed.cpu().numpy().astype(dtype),
        confidence=None if sure is None else (sure * 100).round().clamp(0, 100).byte().cpu().numpy(),
    )


def _winners(
    features: Float[Tensor, "voxel channel"], head: Head, *, confidence: bool
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


def _interpolate(
    flat: Float[Tensor, "all channel"],
    shape: Sequence[int],
    at: Sequence[Tensor],
    along: Sequence[AxisSamples],
) -> Float[Tensor, "voxel channel"]:
    """Trilinear mixture of the features around the points ``at`` (indices of the scan's voxels along k, j, i)."""
    mixture = flat.new_zeros((len(at[0]), flat.shape[1]))
    for corner in itertools.product(*((False,) if axis.whole else (False, True) for axis in along)):
        index = torch.zeros_like(at[0])
        weight = flat.new_ones(len(at[0]))
        for dim, up in enumerate(corner):
            part = along[dim].share[at[dim]].to(weight)
            index = index * shape[dim] + (along[dim].upper if up else along[dim].lower)[at[dim]]
            weight = weight * (part if up else 1 - part)
        mixture.addcmul_(flat[index], weight[:, None])
    return mixture
