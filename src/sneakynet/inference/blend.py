"""Blend the features of overlapping tiles, one slab of planes at a time.

The head of the network is linear, and so is averaging: ``blend(head(f)) = head(blend(f))``. So the few feature channels
are blended and the head is applied once per voxel; the class volume never exists. A slab leaves as soon as no later
tile can touch it, so memory holds one layer of tiles, however long the scan.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.inference.tiles import TilePlan
from sneakynet.types import Features


@dataclass(frozen=True, eq=False)
class Slab:
    """Blended features of whole planes of the network's grid.

    Args:
        start: first plane along k.
        features: channels last, so that the features of a voxel lie side by side.
    """

    start: int
    features: Float[Tensor, "i j k channel"]

    @property
    def stop(self) -> int:
        """First plane after the slab."""
        return self.start + self.features.shape[2]


def blend(
    plan: TilePlan,
    features_at: Callable[[Sequence[tuple[int, int, int]]], Features],
    *,
    channels: int,
    device: torch.device,
    batch_size: int = 1,
) -> Iterator[Slab]:
    """Run a network over all tiles and blend what it gives.

    Args:
        plan: the tiles.
        features_at: origins of some tiles -> their features, all channels, on the device where they shall be blended.
        channels: how many.
        device: where they are blended.
        batch_size: tiles per call of ``features_at``.

    Yields:
        Slabs that follow each other from plane 0 to the last and together hold every plane once. Features are 0 where
        only tiles reach that the plan skips, and the smaller by their share where some do.
    """
    size, (ni, nj, nk) = plan.patch_size, plan.shape
    share_i, share_j, share_k = (dict(zip(plan.origins[a], plan.weights(a), strict=True)) for a in range(3))
    # Planes in flight: [channel, i, j, planes]; the first plane is `done`.
    ring = torch.zeros(channels, ni, nj, min(size, nk), device=device)
    done = 0
    for n, k in enumerate(plan.origins[2]):
        layer = plan.layer(k)
        for first in range(0, len(layer), batch_size):
            origins = layer[first : first + batch_size]
            features = features_at(origins)
            for origin, tile in zip(origins, features, strict=True):
                weight = _product(share_i[origin[0]], share_j[origin[1]], share_k[k]).to(tile.device)
                inner, outer = _overlap(origin, size, (ni, nj, nk))
                into = ring[(slice(None), outer[0], outer[1], slice(outer[2].start - done, outer[2].stop - done))]
                into.addcmul_(tile[(slice(None), *inner)].float(), weight[inner])
        following = plan.origins[2][n + 1] if n + 1 < len(plan.origins[2]) else nk
        ready, left = ring[..., : following - done], ring[..., following - done :]
        yield Slab(start=done, features=ready.permute(1, 2, 3, 0).contiguous())
        fresh = ring.new_zeros((*ring.shape[:3], min(size, nk - following) - left.shape[-1]))
        ring = torch.cat([left, fresh], dim=-1)
        done = following


def _product(i: Tensor, j: Tensor, k: Tensor) -> Float[Tensor, "i j k"]:
    return i[:, None, None] * j[None, :, None] * k


def _overlap(
    origin: tuple[int, int, int], size: int, shape: tuple[int, int, int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a tile that lies in the grid, in the tile's own voxels and in the grid's."""
    outer = tuple(slice(max(0, o), min(o + size, n)) for o, n in zip(origin, shape, strict=True))
    inner = tuple(slice(s.start - o, s.stop - o) for s, o in zip(outer, origin, strict=True))
    return inner, outer
