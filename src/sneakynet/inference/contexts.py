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
from torch.nn.functional import pad

from sneakynet.inference.engine import Engine
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.models.architecture import Architecture
from sneakynet.models.crop_skip import CropSkip, centre_crop, crop_skips
from sneakynet.models.late_fusion import upsampled, upsampled_centre

MARGIN = 16
"""Cells by which a scan is continued with its edge values at least, as the patches of training are."""

# Cells of one pass of an encoder along k; beside them it reads its halo.
_BLOCK = 64


def reach(level: int) -> int:
    """Input voxels that a map of an encoder's level looks beyond its own cell, on each side.

    Every level adds two convolutions, each of which reads one cell of its own size further.
    """
    return int(2 * (2 ** (level + 1) - 1))


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
    links = crop_skips(architecture.variant, levels=architecture.levels, contexts=architecture.contexts)
    border = [architecture.patch_size * (2**kappa - 1) // 2 ** (kappa + 1) for kappa in architecture.contexts]
    return tuple(
        all(reach(link.source_level) <= beyond for link in links if link.context == n)
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
        margin: cells around each shared level; by default enough for every tile.
    """

    def __init__(
        self, engine: Engine, pyramid: ScanPyramid, *, shared: Sequence[bool], margin: int | None = None
    ) -> None:
        self._engine, self._pyramid, self._shared = engine, pyramid, tuple(shared)
        architecture = engine.architecture
        self._edge, self._cell = architecture.patch_size, int(2 ** (architecture.levels - 1))
        self._late = architecture.variant == "E"
        self._maps: list[tuple[Tensor, ...]] = []
        self._margins: list[int] = []
        for n, kappa in enumerate(architecture.contexts):
            needed = self._needed(kappa) if margin is None else margin
            before = -(-needed // self._cell) * self._cell
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
            scale = 2**kappa
            part, trims = maps[-1], []
            for axis, wanted in enumerate((range(self._pyramid.shape[0]), rows, planes), start=2):
                first = wanted.start // scale
                cells = -(-wanted.stop // scale) - first
                # One cell more on each side for the interpolation to reach to.
                part = part.narrow(axis, margin + first - 1, cells + 2)
                trims.append(wanted.start - first * scale)
            fine = upsampled(part.float(), kappa=kappa)[0]
            for axis, (trim, wanted) in enumerate(
                zip(trims, (range(self._pyramid.shape[0]), rows, planes), strict=True), start=1
            ):
                fine = fine.narrow(axis, trim, len(wanted))
            found.append(fine.permute(3, 2, 1, 0))
        return found

    def _needed(self, kappa: int) -> int:
        """Cells around a level: a tile may begin half a tile before the scan, and end a tile behind it."""
        architecture = self._engine.architecture
        outside = self._edge // (2 << kappa) + 1
        if architecture.needs_context_decoders:
            return max(MARGIN, outside)
        return outside + reach(architecture.levels - 1 - kappa)

    def _whole(self, n: int, kappa: int, before: int) -> tuple[Tensor, ...]:
        """The maps of a context over the whole scan and its margin."""
        level = self._pyramid.levels[kappa]
        after = [before + -(edge + 2 * before) % self._cell for edge in level.shape]
        widths = [width for axis in (2, 1, 0) for width in (before, after[axis])]
        volume = pad(level[None, None], widths, mode="replicate")
        if self._engine.architecture.needs_context_decoders:
            return self._engine.context_maps(n, volume)
        return self._in_blocks(n, kappa, volume)

    def _in_blocks(self, n: int, kappa: int, volume: Tensor) -> tuple[Tensor, ...]:
        """The maps of an encoder, block by block along k: what a convolution needs at a time stays bounded."""
        halo = -(-reach(self._engine.architecture.levels - 1 - kappa) // self._cell) * self._cell
        length: int = volume.shape[-1]
        whole: list[Tensor] = []
        for first in range(0, length, _BLOCK):
            last = min(first + _BLOCK, length)
            begin, end = max(0, first - halo), min(length, last + halo)
            maps = self._engine.context_maps(n, volume[..., begin:end].contiguous())
            # A map's cells are as many voxels wide as its edges are shorter.
            cells = [(end - begin) // map_.shape[-1] for map_ in maps]
            if not whole:
                whole = [
                    map_.new_empty((*map_.shape[:-1], length // cell)) for map_, cell in zip(maps, cells, strict=True)
                ]
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
