"""A scan at every scale that a network reads, pooled once, and the concentric patches cut from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.data.pyramid import pad_to_multiple, pool_scan
from sneakynet.data.sampling import PatchGeometry, cut
from sneakynet.geometry.fields import context_origin
from sneakynet.types import Patch, ScanArray


@dataclass(frozen=True, eq=False)
class ScanPyramid:
    """Normalised intensities, level n pooled by ``2**n``.

    Args:
        shape: voxels of the scan along i, j, k, before padding.
        levels: level 0 and those of the contexts, as networks read them (-1 to 1).
        geometry: edge and scales of the patches.
    """

    shape: tuple[int, int, int]
    levels: Mapping[int, Float[Tensor, "_ _ _"]]
    geometry: PatchGeometry

    @classmethod
    def build(cls, scan: ScanArray, geometry: PatchGeometry, *, hu_window: tuple[float, float]) -> "ScanPyramid":
        """Clip, scale, pad and pool a scan.

        Args:
            scan: Hounsfield units on the network's grid.
            geometry: of the patches.
            hu_window: HU that become -1 and 1.
        """
        low, high = hu_window
        values = scan.astype(np.float32).clip(low, high)
        values -= (low + high) / 2
        values *= 2 / (high - low)
        padded = pad_to_multiple(torch.from_numpy(np.ascontiguousarray(values)), geometry.grid)
        levels = {0: padded, **{kappa: pool_scan(padded, 2**kappa) for kappa in geometry.contexts}}
        i, j, k = scan.shape
        return cls(shape=(i, j, k), levels=levels, geometry=geometry)

    def patches(self, origins: Sequence[tuple[int, int, int]]) -> tuple[Patch, ...]:
        """Cut targets and their contexts; beyond the scan its edge values go on.

        Args:
            origins: first voxel of each target, multiples of the geometry's grid; negative where it begins outside.

        Returns:
            The batch of targets, then one batch per context.
        """
        return tuple(
            torch.stack([self._patch(origin, kappa)[None] for origin in origins])
            for kappa in (0, *self.geometry.contexts)
        )

    def targets(self, origins: Sequence[tuple[int, int, int]]) -> Patch:
        """The targets alone."""
        return torch.stack([self._patch(origin, 0)[None] for origin in origins])

    def _patch(self, origin: tuple[int, int, int], kappa: int) -> Float[Tensor, "s s s"]:
        level = self.levels[kappa]
        i, j, k = level.shape
        size = self.geometry.patch_size
        a, b, c = (o // 2**kappa for o in context_origin(origin, patch_size=size, kappa=kappa))
        return cut(level, (a, b, c), size, inside=((0, i), (0, j), (0, k)))
