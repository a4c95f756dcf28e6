"""One run of a network over a scan: as it is, or with left and right exchanged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.inference.air import tiles_of_air
from sneakynet.inference.blend import Slab, blend
from sneakynet.inference.contexts import Contexts, tile_grid
from sneakynet.inference.engine import Engine
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.tiles import TilePlan, plan_tiles
from sneakynet.inference.upsample import Samples
from sneakynet.types import Features, ScanArray

# Voxels of each input per pass of the network: small tiles go several at a time.
_BATCH_VOXELS = {"cpu": 64**3, "cuda": 8 * 64**3}

# What background leads by where no tile has run.
_CERTAIN = 300.0


@dataclass(frozen=True, eq=False)
class ScanPass:
    """A network, a scan, and the tiles to run.

    Args:
        engine: the network.
        pyramid: the scan, mirrored where this pass is.
        plan: the tiles.
        contexts: what surrounds them.
        mirrored: whether left and right are exchanged.
        width: voxels along i of the scan's grid before padding and mirroring.
    """

    engine: Engine
    pyramid: ScanPyramid
    plan: TilePlan
    contexts: Contexts
    mirrored: bool
    width: int

    @classmethod
    def prepare(
        cls,
        engine: Engine,
        pyramid: ScanPyramid,
        scan: ScanArray,
        samples: Samples,
        *,
        overlap: float,
        shared: Sequence[bool],
        skip_air: bool,
        block_voxels: int,
        mirrored: bool = False,
    ) -> "ScanPass":
        """Plan the tiles and run the contexts that are run once.

        Args:
            engine: the network.
            pyramid: of the scan, not mirrored.
            scan: Hounsfield units on its own grid, axes in RAS+ order.
            samples: the scan's voxels along each axis of the network's grid.
            overlap: share of its edge that a tile has in common with the next, at least.
            shared: which contexts run once over the whole scan (`shared_contexts`).
            skip_air: leave out tiles that hold nothing but air.
            block_voxels: see `Contexts`.
            mirrored: exchange left and right.
        """
        width, i = pyramid.shape[0], samples[0]
        if mirrored:
            pyramid, scan = pyramid.mirrored(), scan[::-1]
            i = i.mirrored(pyramid.shape[0])
        architecture = engine.architecture
        plan = plan_tiles(
            pyramid.shape,
            patch_size=architecture.patch_size,
            grid=tile_grid(architecture, shared=any(shared)),
            overlap=overlap,
        )
        if skip_air:
            plan = plan.without(tiles_of_air(plan, scan, (i, *samples[1:])))
        if not len(plan):
            shared = (False,) * len(shared)  # nothing will ask
        contexts = Contexts(engine, pyramid, shared=shared, block_voxels=block_voxels)
        return cls(engine=engine, pyramid=pyramid, plan=plan, contexts=contexts, mirrored=mirrored, width=width)

    @property
    def made_channels(self) -> int:
        """Features per voxel for which :meth:`complete` takes memory, and as much for what is made of them."""
        return self.contexts.beside_channels + self.engine.architecture.width

    def head(self) -> tuple[Float[Tensor, "class channel"], Float[Tensor, " class"]]:
        """Weight and bias that score what :meth:`complete` gives.

        Where tiles were skipped, the last channel tells how much of a voxel's blend was run; what is missing goes to
        background.
        """
        weight, bias = self.engine.head()
        if not self.plan.skipped:
            return weight, bias
        missing = torch.zeros_like(bias)
        missing[0] = _CERTAIN
        return torch.cat([weight, -missing[:, None]], dim=1), bias + missing

    def slabs(self, rows: range, *, done: Callable[[int], None]) -> Iterator[Slab]:
        """Run the tiles and blend the target's features.

        Args:
            rows: the rows along j that are wanted.
            done: called with the tiles of every pass of the network.
        """
        device = self.engine.device

        def features_at(origins: Sequence[tuple[int, int, int]]) -> Features:
            features = self.contexts.features(self.pyramid.patches(origins), origins)
            done(len(origins))
            return features

        return blend(
            self.plan,
            features_at,
            channels=int(self.engine.head()[0].shape[1]) - self.contexts.beside_channels,
            device=device,
            batch_size=batch_size(self.plan.patch_size, device),
            rows=rows,
        )

    def complete(self, slab: Slab, planes: range, *, rows: range) -> list[Float[Tensor, "k j i _"]]:
        """All features of some planes of a slab, in the order in which :meth:`head` scores them.

        Args:
            slab: that holds the planes.
            planes: of the network's grid.
            rows: those that the slab was made for.

        Returns:
            Maps to be put side by side, left and right as in the scan.
        """
        within = slice(planes.start - slab.start, planes.stop - slab.start)
        maps = [slab.features[within], *self.contexts.beside(planes, rows=rows)]
        if slab.coverage is not None:
            maps.append(slab.coverage[within, ..., None])
        return [map_.flip(2)[:, :, : self.width] for map_ in maps] if self.mirrored else maps

    def tiles(self, rows: range) -> int:
        """How many tiles :meth:`slabs` runs."""
        return sum(len(self.plan.layer(k, rows=rows)) for k in self.plan.origins[2])


def batch_size(patch_size: int, device: torch.device) -> int:
    """Tiles per pass of the network."""
    return max(1, _BATCH_VOXELS[device.type] // patch_size**3)
