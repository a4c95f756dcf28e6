"""What the contexts give to the tiles of a scan: computed once per scan where that is right, else once per tile.

Neighbouring tiles share most of their surroundings, so a context run for every tile costs as much as the target itself.
At 2 to 8 times the target's voxel width a scan is small: run once over all of it, the contexts' maps are cut for every
tile. That is the same as running every tile's own context patch

- where only encoders are crossed and the patch reaches further beyond the tile than the crossing levels look: a patch's
  border (where convolutions read zeros) then never shows in the part that is cut;
- where decoders are crossed or their answers added (variant E), by decree: such networks are trained to see a scan
  whole, and read maps without the border that each tile's own patch would have had.

It is not the same where a level looks further than that, or where normalisation uses the statistics of its input
(instance, group): those contexts run for every tile, as they were trained.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate, pad

from sneakynet.inference.engine import Engine
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.models.architecture import Architecture
from sneakynet.models.crop_skip import CropSkip, centre_crop
from sneakynet.models.late_fusion import upsampled_centre

MARGIN = 16
"""Cells by which a scan is continued with its edge values at least, as the patches of training are."""

BLOCK_VOXELS = 16 * 2**20
"""A context is run in one pass up to this many voxels, else in blocks along k with a halo as wide as its reach. Where
memory is short, blocks may be smaller."""

# Cells of such a block along k at least, without the halo.
_BLOCK = 64


def reach(level: int) -> int:
    """Input voxels that a map of an encoder's level looks beyond its own cell, on each side.

    Every level adds two convolutions, each of which reads one cell of its own size further.
    """
    return int(2 * (2 ** (level + 1) - 1))


def whole_reach(architecture: Architecture, kappa: int) -> int:
    """Voxels that whatever the target reads of a context looks beyond the cell of the deepest level that it lies in."""
    if not architecture.needs_context_decoders:
        return reach(architecture.levels - 1 - kappa)
    # The decoder comes back up with two convolutions per level.
    deepest = architecture.levels - 1
    return reach(deepest) + sum(2 << level for level in range(deepest))


def level_shape(shape: tuple[int, int, int], architecture: Architecture, kappa: int) -> tuple[int, int, int]:
    """Voxels that a shared context runs over: the pooled scan, its margin, and what fills up the last cell.

    Args:
        shape: of the scan on the network's grid.
        architecture: of the network.
        kappa: the context's scale is ``2**kappa``.
    """
    cell, before = _cell(architecture), _margin(architecture, kappa)
    pooled = 2 ** max(architecture.contexts)
    i, j, k = (-(-((edge + -edge % pooled) // 2**kappa + 2 * before) // cell) * cell for edge in shape)
    return i, j, k


def block_length(
    shape: tuple[int, int, int], architecture: Architecture, kappa: int, *, voxels: int = BLOCK_VOXELS
) -> tuple[int, int]:
    """How a shared context is run along k.

    Args:
        shape: from :func:`level_shape`.
        architecture: of the network.
        kappa: the context's scale is ``2**kappa``.
        voxels: that may be run in one pass, halo included, as far as that can be.

    Returns:
        Cells of a block without its halo, and the width of the halo; all cells and 0 for one pass.
    """
    cell = _cell(architecture)
    if shape[0] * shape[1] * shape[2] <= voxels:
        return shape[2], 0
    halo = -(-whole_reach(architecture, kappa) // cell) * cell
    length = max(_BLOCK, voxels // (shape[0] * shape[1]) // cell * cell - 2 * halo)
    return min(length, shape[2]), halo


def _cell(architecture: Architecture) -> int:
    return int(2 ** (architecture.levels - 1))


def _margin(architecture: Architecture, kappa: int) -> int:
    """Cells around a shared level, whole ones of the deepest: a tile may begin half a tile before the scan, and end a
    tile behind it."""
    outside = architecture.patch_size // (2 << kappa) + 1
    if architecture.needs_context_decoders:
        needed = max(MARGIN, outside)
    else:
        needed = outside + reach(architecture.levels - 1 - kappa)
    cell = _cell(architecture)
    return -(-needed // cell) * cell


def shared_contexts(architecture: Architecture) -> tuple[bool, ...]:
    """Which contexts of a network may run once per scan, in order.

    Args:
        architecture: of the network.

    Returns:
        One answer per context; see the module's docstring for the rule.
    """
    if architecture.norm not in {"batch", "none"}:
        return (False,) * len(architecture.contexts)
    if architecture.needs_context_decoders:
        return (True,) * len(architecture.contexts)
    border = [architecture.patch_size * (2**kappa - 1) // 2 ** (kappa + 1) for kappa in architecture.contexts]
    return tuple(
        all(reach(link.source_level) <= beyond for link in architecture.crop_skips if link.context == n)
        for n, beyond in enumerate(border)
    )


def tile_grid(architecture: Architecture, *, shared: bool) -> int:
    """Tiles begin on multiples of this many voxels.

    Args:
        architecture: of the network.
        shared: whether any context is run once per scan: then tiles begin on whole cells of the deepest level.

    Returns:
        The step; else that of the coarsest context, whose cells hold whole voxels.
    """
    return int(2 ** (architecture.levels - 1) if shared else 2 ** max(architecture.contexts, default=0))


class Contexts:
    """The contexts of one scan.

    Args:
        engine: the network.
        pyramid: of the scan.
        shared: which contexts are run once, here and now; the others run for every tile.
        block_voxels: that a shared context may be run over in one pass, see :func:`block_length`.
        margin: cells around each shared level; by default enough for every tile.
    """

    def __init__(
        self,
        engine: Engine,
        pyramid: ScanPyramid,
        *,
        shared: Sequence[bool],
        block_voxels: int = BLOCK_VOXELS,
        margin: int | None = None,
    ) -> None:
        self._engine, self._pyramid, self._shared = engine, pyramid, tuple(shared)
        self._block_voxels = block_voxels
        architecture = engine.architecture
        self._edge = architecture.patch_size
        self._late = architecture.variant == "E"
        self._maps: list[tuple[Tensor, ...]] = []
        self._margins: list[int] = []
        for n, kappa in enumerate(architecture.contexts):
            before = _margin(architecture, kappa) if margin is None else margin
            self._margins.append(before)
            self._maps.append(self._whole(n, kappa, before) if self._shared[n] else ())

    def features(self, target: Tensor, origins: Sequence[tuple[int, int, int]]) -> Tensor:
        """Run the target network on some tiles with what the contexts give it.

        Args:
            target: the tiles' intensities.
            origins: their first voxels, multiples of :func:`tile_grid`.

        Returns:
            The target's own features; for variant E the features of the contexts that run per tile beside them.
            Those of shared contexts are had from :meth:`beside`, once for each plane and not for each tile.
        """
        crossed, late = [], []
        for n, kappa in enumerate(self._engine.architecture.contexts):
            links = [link for link in self._engine.crop_skips if link.context == n]
            if self._shared[n]:
                maps = self._maps[n]
                crossed += [self._cut(map_, link, origins) for map_, link in zip(maps, links, strict=False)]
            else:
                maps = self._engine.context_maps(n, self._pyramid.patches(origins, kappa))
                crossed += [centre_crop(map_, kappa=kappa) for map_, _ in zip(maps, links, strict=False)]
                late += [upsampled_centre(maps[-1], kappa=kappa)] if self._late else []
        own = self._engine.target_features(target, crossed)
        return torch.cat([own, *late], dim=1) if late else own

    @property
    def beside_channels(self) -> int:
        """Channels of :meth:`beside`."""
        return sum(maps[-1].shape[1] for maps in self._maps if maps) if self._late else 0

    def beside(self, planes: range, *, rows: range) -> list[Float[Tensor, "k j i channel"]]:
        """Features of the shared contexts of variant E on the target's voxels.

        They are the same for every tile, so blending would change nothing about them: they are interpolated for the
        planes at hand only.

        Args:
            planes: of the network's grid, along k.
            rows: along j.

        Returns:
            One map per shared context, in order; none for other variants.
        """
        if not self._late:
            return []
        found = []
        for maps, kappa, margin in zip(self._maps, self._engine.architecture.contexts, self._margins, strict=True):
            if not maps:
                continue
            found.append(_on_planes(maps[-1], planes, rows, self._pyramid.shape[0], scale=2**kappa, margin=margin))
        return found

    def _whole(self, n: int, kappa: int, before: int) -> tuple[Tensor, ...]:
        """The maps of a context over the whole scan and its margin, in blocks where the scan is large."""
        architecture, level = self._engine.architecture, self._pyramid.levels[kappa]
        after = [before + -(edge + 2 * before) % _cell(architecture) for edge in level.shape]
        widths = [width for axis in (2, 1, 0) for width in (before, after[axis])]
        volume = pad(level[None, None], widths, mode="replicate")
        i, j, length = volume.shape[2:]
        block, halo = block_length((i, j, length), architecture, kappa, voxels=self._block_voxels)
        if block == length:
            return self._engine.context_maps(n, volume)
        whole: list[Tensor] = []
        for first in range(0, length, block):
            last = min(first + block, length)
            begin, end = max(0, first - halo), min(length, last + halo)
            maps = self._engine.context_maps(n, volume[..., begin:end].contiguous())
            # A map's cells are as many voxels wide as its edges are shorter.
            cells = [(end - begin) // map_.shape[-1] for map_ in maps]
            if not whole:
                edges = [(*map_.shape[:-1], length // cell) for map_, cell in zip(maps, cells, strict=True)]
                whole = [map_.new_empty(shape) for map_, shape in zip(maps, edges, strict=True)]
            for into, map_, cell in zip(whole, maps, cells, strict=True):
                part = map_.narrow(-1, (first - begin) // cell, (last - first) // cell)
                into.narrow(-1, first // cell, (last - first) // cell).copy_(part)
        return tuple(whole)

    def _cut(self, whole: Tensor, link: CropSkip, origins: Sequence[tuple[int, int, int]]) -> Tensor:
        """The part of a map that lies on each tile."""
        before = self._margins[link.context] // 2**link.source_level
        cell, edge = 2**link.target_level, self._edge // 2**link.target_level
        parts = []
        for origin in origins:
            part = whole
            for axis, first in enumerate(origin, start=2):
                part = part.narrow(axis, first // cell + before, edge)
            parts.append(part)
        return torch.cat(parts) if len(parts) > 1 else parts[0]


def _on_planes(
    whole: Tensor, planes: range, rows: range, width: int, *, scale: int, margin: int
) -> Float[Tensor, "k j i channel"]:
    """Interpolate a context's map onto some of the target's voxels, trilinear.

    Along k only the planes that are asked for are made, then both other axes at once: by whole cells along all three,
    most of what is made for a few planes would be thrown away.

    Args:
        whole: ``[1 channel i j k]``, cells of the context.
        planes: of the network's grid, along k.
        rows: along j.
        width: voxels along i, from the first.
        scale: voxels of the target per cell.
        margin: cells of the map before the scan's first.
    """
    at = (torch.arange(planes.start, planes.stop, device=whole.device) + 0.5) / scale - 0.5 + margin
    lower = at.floor().long()
    begin = int(lower[0])
    cells = whole[0].narrow(3, begin, int(lower[-1]) + 2 - begin)
    trims = []
    for axis, wanted in ((1, range(width)), (2, rows)):
        first = wanted.start // scale
        # One cell more on each side for the interpolation to reach to.
        cells = cells.narrow(axis, margin + first - 1, -(-wanted.stop // scale) - first + 2)
        trims.append(scale + wanted.start - first * scale)
    layers = cells.permute(3, 2, 1, 0).float()
    lower -= begin
    share = (at - at.floor())[:, None, None, None]
    between = layers.index_select(0, lower).lerp_(layers.index_select(0, lower + 1), share)
    fine = interpolate(between.permute(0, 3, 1, 2), scale_factor=scale, mode="bilinear", align_corners=False)
    return fine.permute(0, 2, 3, 1)[:, trims[1] : trims[1] + len(rows), trims[0] : trims[0] + width]
