"""Where the tiles of a scan lie, and how much each counts at every voxel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.errors import SettingError


@dataclass(frozen=True)
class TilePlan:
    """Tiles of one edge that together cover a grid; their origins are the product of three lists.

    Tiles may reach beyond the grid (a scan smaller than a tile, the last tile of an axis): the patches are padded
    there, and what the network says outside is dropped.

    Args:
        shape: voxels of the grid along i, j, k.
        patch_size: edge of a tile in voxels.
        origins: first voxel of the tiles, per axis, ascending.
        skipped: tiles that are not run.
    """

    shape: tuple[int, int, int]
    patch_size: int
    origins: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    skipped: frozenset[tuple[int, int, int]] = frozenset()

    def __len__(self) -> int:
        i, j, k = self.origins
        return len(i) * len(j) * len(k) - len(self.skipped)

    def layer(self, k: int, *, rows: range | None = None) -> list[tuple[int, int, int]]:
        """The tiles that begin at plane ``k``; walking the layers upwards is what lets the blend be streamed.

        Args:
            k: first plane.
            rows: only tiles that reach one of these rows along j. All by default.
        """
        wanted = [j for j in self.origins[1] if rows is None or (j < rows.stop and j + self.patch_size > rows.start)]
        tiles = [(i, j, k) for i in self.origins[0] for j in wanted]
        return [tile for tile in tiles if tile not in self.skipped]

    def without(self, tiles: Iterable[tuple[int, int, int]]) -> "TilePlan":
        """The plan with these tiles skipped too."""
        return replace(self, skipped=self.skipped | frozenset(tiles))

    def weights(self, axis: int) -> list[Float[Tensor, " patch"]]:
        """Weight of each tile of an axis at its own voxels.

        The Gaussian of nnU-Net (sigma an eighth of the edge) is a product over the axes, and the tiles are a product of
        lists, so the sum over tiles is a product too: dividing per axis makes the weights add up to one at every voxel
        of the grid, and no weight volume needs to be kept.

        Returns:
            One vector per origin; zero where the tile lies outside the grid.
        """
        size, length = self.patch_size, self.shape[axis]
        bell = gaussian(size)
        total = torch.zeros(length, dtype=torch.float64)
        inside = [slice(max(0, -o), min(size, length - o)) for o in self.origins[axis]]
        for origin, part in zip(self.origins[axis], inside, strict=True):
            total[origin + part.start : origin + part.stop] += bell[part]
        shares = []
        for origin, part in zip(self.origins[axis], inside, strict=True):
            share = torch.zeros(size, dtype=torch.float64)
            share[part] = bell[part] / total[origin + part.start : origin + part.stop]
            shares.append(share.float())
        return shares


def plan_tiles(shape: Sequence[int], *, patch_size: int, grid: int = 1, overlap: float = 0.5) -> TilePlan:
    """Spread tiles over a grid.

    Args:
        shape: voxels along i, j, k.
        patch_size: edge of a tile in voxels.
        grid: origins are multiples of this, so that a tile's contexts fall on whole cells of the pooled scan:
            ``2 ** kappa`` of the coarsest context.
        overlap: share of its edge that a tile has in common with the next, at least.

    Returns:
        A plan that covers every voxel; one centred tile along an axis that is no longer than a tile.

    Raises:
        SettingError: the overlap is outside [0, 1), or the grid is too coarse for tiles of that edge to touch.
    """
    if not 0 <= overlap < 1:
        msg = f"overlap is a share of the tile's edge from 0 to below 1, got {overlap}"
        raise SettingError(msg)
    if not 1 <= grid <= patch_size:
        msg = f"tiles of {patch_size} voxels cannot cover a scan from origins that are multiples of {grid} voxels"
        raise SettingError(msg)
    step = max(grid, int(patch_size * (1 - overlap)) // grid * grid)
    i, j, k = (tuple(_origins(length, patch_size, step, grid)) for length in shape)
    return TilePlan(shape=(shape[0], shape[1], shape[2]), patch_size=patch_size, origins=(i, j, k))


def gaussian(size: int) -> Float[Tensor, " {size}"]:
    """Bell over the voxels of an edge, 1 at its centre, with a sigma of an eighth of the edge."""
    offset = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    return torch.exp(-0.5 * (offset / (size / 8)) ** 2)


def _origins(length: int, size: int, step: int, grid: int) -> list[int]:
    if length <= size:
        return [-((size - length) // 2 // grid * grid)]
    last = -(-(length - size) // grid) * grid
    return [*range(0, last, step), last]
