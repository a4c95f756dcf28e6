"""Contexts that see the whole scan in one pass, and what each tile needs of them.

At 2 or 4 times the target's voxel width a scan is small: its contexts are run once over all of it and their maps are
cut for each tile, where running them again for every tile would cost as much as the target itself. A tile then reads
maps without the border that its own context patch would have had.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.models.late_fusion import upsampled
from sneakynet.models.sneakynet import SneakyNet

_MARGIN = 16
"""Cells by which a scan is continued with its edge values at least, as the patches of training are."""


def can_see_whole(network: SneakyNet) -> bool:
    """Whether the contexts of a network may run over a whole scan.

    Normalisation by the statistics of the input (instance, group) would differ from the patches of training. And where
    only encoders are crossed, the paper's crop-skips, patches stay as they were trained.
    """
    architecture = network.architecture
    return bool(architecture.contexts) and network.needs_context_decoders and architecture.norm in {"batch", "none"}


class WholeContext:
    """The maps of all contexts of one scan.

    Args:
        network: in evaluation mode, on its device.
        pyramid: of the scan.
        patch_size: edge of the tiles, voxels.
        device: of the network.
        margin: cells around each level; by default enough for every tile.
    """

    def __init__(
        self,
        network: SneakyNet,
        pyramid: ScanPyramid,
        *,
        patch_size: int,
        device: torch.device,
        margin: int | None = None,
    ) -> None:
        self._network, self._edge = network, patch_size
        self._grid = tile_grid(network)
        self._margins, volumes = [], []
        for kappa in network.architecture.contexts:
            level = pyramid.levels[kappa]
            # A tile may begin half a tile before the scan, and end a tile behind it.
            needed = max(_MARGIN, patch_size // 2**kappa // 2 + 1) if margin is None else margin
            before = -(-needed // self._grid) * self._grid
            after = [before + -(edge + 2 * before) % self._grid for edge in level.shape]
            widths = [width for axis in (2, 1, 0) for width in (before, after[axis])]
            volumes.append(pad(level[None, None].to(device), widths, mode="replicate"))
            self._margins.append(before)
        self._maps = network.context_maps(volumes, decode=network.needs_context_decoders)

    def features(self, target: Tensor, origins: Sequence[tuple[int, int, int]]) -> Tensor:
        """What the target's head scores, of tiles at some origins (multiples of :func:`tile_grid`)."""
        network, edge = self._network, self._edge
        crossed = [
            self._cut(
                network.crossing(link, self._maps),
                origins,
                cell=2**link.target_level,
                before=self._margins[link.context] // 2**link.source_level,
                edge=edge // 2**link.target_level,
            )
            for link in network.crop_skips
        ]
        beside = []
        if network.architecture.variant == "E":
            for kappa, maps, margin in zip(network.architecture.contexts, self._maps, self._margins, strict=True):
                assert maps.decoder is not None
                # One cell more on each side for the interpolation to reach to.
                part = self._cut(maps.decoder[0], origins, cell=2**kappa, before=margin - 1, edge=edge // 2**kappa + 2)
                beside.append(upsampled(part, kappa=kappa))
        return network.fuse(target, crossed, beside)

    def _cut(
        self, whole: Tensor, origins: Sequence[tuple[int, int, int]], *, cell: int, before: int, edge: int
    ) -> Tensor:
        parts = []
        for origin in origins:
            part = whole
            for axis, first in enumerate(origin, start=2):
                part = part.narrow(axis, first // cell + before, edge)
            parts.append(part)
        return torch.cat(parts) if len(parts) > 1 else parts[0]


def tile_grid(network: SneakyNet) -> int:
    """Tiles begin on multiples of this: on whole cells of the deepest level."""
    return int(2 ** (network.architecture.levels - 1))
