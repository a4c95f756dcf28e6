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

FeaturesAt = Callable[[Sequence[tuple[int, int, int]]], Features]
"""Origins of some tiles -> their features."""


@dataclass(frozen=True, eq=False)
class Slab:
    """Blended features of whole planes of the network's grid, valid until the next slab is asked for.

    Args:
        start: first plane along k.
        features: channels last, so that the features of a voxel lie side by side.
        coverage: share of each voxel's blend that was run; None where that is everything.
    """

    start: int
    features: Float[Tensor, "k j i channel"]
    coverage: Float[Tensor, "k j i"] | None = None

    @property
    def stop(self) -> int:
        """First plane after the slab."""
        return self.start + self.features.shape[0]


def blend(
    plan: TilePlan,
    features_at: FeaturesAt,
    *,
    channels: int,
    device: torch.device,
    batch_size: int = 1,
    rows: range | None = None,
) -> Iterator[Slab]:
    """Run a network over all tiles and blend what it gives.

    Args:
        plan: the tiles.
        features_at: gives features of some tiles, all channels, on the device where they shall be blended.
        channels: how many.
        device: where they are blended.
        batch_size: tiles per call of ``features_at``.
        rows: the rows along j that are wanted; only tiles that reach them are run. All by default.

    Yields:
        Slabs in order along k that together hold every plane; each but the first begins with the last plane of the one
        before, so that whatever lies between two planes finds both in one slab. Features are 0 where only tiles
        reach that the plan skips, and the smaller by their share where some do.
    """
    size, (ni, nj, nk) = plan.patch_size, plan.shape
    rows = range(nj) if rows is None else rows
    share_i, share_j, share_k = (dict(zip(plan.origins[a], plan.weights(a), strict=True)) for a in range(3))
    # Planes in flight, the last finished one before them; `done` is the first that is not finished.
    ring = torch.zeros(1 + min(size, nk), len(rows), ni, channels, device=device)
    coverage = torch.zeros(ring.shape[:3], device=device) if plan.skipped else None
    done = 0
    for n, k in enumerate(plan.origins[2]):
        layer = plan.layer(k, rows=rows)
        for first in range(0, len(layer), batch_size):
            origins = layer[first : first + batch_size]
            for origin, tile in zip(origins, features_at(origins), strict=True):
                inner, outer = _overlap(origin, size, (range(ni), rows, range(done - 1, nk)))
                weight = _product(share_k[k], share_j[origin[1]], share_i[origin[0]]).to(device)[inner]
                ring[outer].addcmul_(tile.permute(3, 2, 1, 0)[inner].float(), weight[..., None])
                if coverage is not None:
                    coverage[outer] += weight
        following = plan.origins[2][n + 1] if n + 1 < len(plan.origins[2]) else nk
        ready = slice(0 if done else 1, 1 + following - done)
        yield Slab(max(0, done - 1), ring[ready], None if coverage is None else coverage[ready])
        for planes in (ring, coverage):
            if planes is not None:
                _advance(planes, following - done)
        done = following


def _advance(planes: Tensor, by: int) -> None:
    """Move the planes down, so that what was plane ``by`` is plane 0, and clear what is free."""
    left = planes.shape[0] - by
    # Plane by plane, lowest first: source and destination may overlap.
    for n in range(left):
        planes[n].copy_(planes[n + by])
    planes[left:].zero_()


def _product(k: Tensor, j: Tensor, i: Tensor) -> Float[Tensor, "k j i"]:
    return k[:, None, None] * j[None, :, None] * i


def _overlap(
    origin: tuple[int, int, int], size: int, inside: tuple[range, range, range]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The part of a tile that lies inside, in the tile's own voxels and counted from where each range begins.

    Both along k, j, i.
    """
    outer = [range(max(r.start, o), min(o + size, r.stop)) for o, r in zip(origin, inside, strict=True)]
    inner = tuple(slice(r.start - o, r.stop - o) for r, o in zip(outer, origin, strict=True))
    shifted = tuple(slice(r.start - i.start, r.stop - i.start) for r, i in zip(outer, inside, strict=True))
    return inner[::-1], shifted[::-1]
