"""A scan at every scale that a network reads, pooled once, and the concentric patches cut from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool3d

from sneakynet.data.patches import PatchGeometry, cut
from sneakynet.types import Patch, ScanArray

# Planes clipped and scaled together.
_PLANES = 16


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
    def build(
        cls,
        scan: ScanArray | Float[Tensor, "i j k"],
        geometry: PatchGeometry,
        *,
        hu_window: tuple[float, float],
    ) -> "ScanPyramid":
        """Clip, scale, pad with edge values and pool a scan.

        Args:
            scan: Hounsfield units on the network's grid; the levels lie on the device where it does, so that patches
                are cut where they are needed.
            geometry: of the patches.
            hu_window: HU that become -1 and 1.
        """
        low, high = hu_window
        i, j, k = scan.shape
        finest = torch.empty(
            [edge + -edge % geometry.grid for edge in scan.shape],
            device=scan.device if isinstance(scan, Tensor) else None,
        )
        # In slices: a whole scan's temporary copies would be as large as all that is kept.
        for first in range(0, i, _PLANES):
            inside = finest[first : first + _PLANES, :j, :k][: i - first]
            part = scan[first : first + _PLANES]
            inside.copy_(part if isinstance(part, Tensor) else torch.from_numpy(part.astype(np.float32)))
            inside.clamp_(low, high).sub_((low + high) / 2).mul_(2 / (high - low))
        finest[i:], finest[:, j:], finest[:, :, k:] = finest[i - 1 : i], finest[:, j - 1 : j], finest[:, :, k - 1 : k]
        levels = {0: finest, **{kappa: avg_pool3d(finest[None, None], 2**kappa)[0, 0] for kappa in geometry.contexts}}
        return cls(shape=(i, j, k), levels=levels, geometry=geometry)

    def mirrored(self) -> "ScanPyramid":
        """The scan with left and right exchanged, padding included: a voxel ``i`` lies at ``padded length - 1 - i``."""
        levels = {kappa: level.flip(0) for kappa, level in self.levels.items()}
        return replace(self, shape=(self.levels[0].shape[0], *self.shape[1:]), levels=levels)

    def patches(self, origins: Sequence[tuple[int, int, int]], kappa: int = 0) -> Patch:
        """Cut targets or one of their contexts; beyond the scan its edge values go on.

        Args:
            origins: first voxel of each target, multiples of the geometry's grid; negative where it begins outside.
            kappa: 0 cuts the targets, else the contexts at that scale.

        Returns:
            One patch per origin.
        """
        level = self.levels[kappa]
        i, j, k = level.shape
        size, inside = self.geometry.patch_size, ((0, i), (0, j), (0, k))
        patches = torch.empty((len(origins), 1, size, size, size), dtype=level.dtype, device=level.device)
        for origin, patch in zip(origins, patches[:, 0], strict=True):
            cut(level, self.geometry.context_origin(origin, kappa), inside=inside, out=patch)
        return patches
