"""The plain method for networks with contexts: what MONAI does, with contexts.

Every tile is scored, scores are averaged with Gaussian weights in class space and interpolated as a whole, then the
winner is taken. ``plain`` cuts the contexts' maps from one pass over the whole scan, as our predictor does where the
network allows it: its labels are the reference. ``plain_patches`` runs every tile's own context patches.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from inference.clock import Clock
from inference.methods.method import Method, autocast, wrap_engine
from inference.scans import FINER
from inference.trial import Trial
from sneakynet.data.patches import PatchGeometry
from sneakynet.inference.contexts import Contexts, shared_contexts, tile_grid
from sneakynet.inference.device import PRECISION_OF
from sneakynet.inference.engine import Engine
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.tiles import gaussian, plan_tiles
from sneakynet.models.sneakynet import Head, SneakyNet, apply_head
from sneakynet.models.weights import WeightsHeader
from sneakynet.types import Features, Patch


class AsTrained(Engine):
    """A network as its file gives it: nothing folded, nothing laid out anew."""

    def __init__(self, network: SneakyNet, *, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__(
            network.architecture, crop_skips=network.crop_skips, device=device, precision=PRECISION_OF[dtype]
        )
        self._network, self._dtype = network.to(device), dtype

    def context_maps(self, context: int, volume: Patch) -> tuple[Tensor, ...]:
        """See :class:`Engine`."""
        with autocast(self.device, self._dtype):
            return self._network.read_maps(context, volume)

    def target_features(self, target: Patch, crossed: Sequence[Tensor]) -> Features:
        """See :class:`Engine`."""
        with autocast(self.device, self._dtype):
            return self._network.fuse(target, crossed)

    def head(self) -> Head:
        """See :class:`Engine`."""
        return self._network.target_head()


class Plain(Method):
    """Class scores of every tile, averaged, interpolated, compared."""

    def __init__(self, trial: Trial, network: SneakyNet, header: WeightsHeader, clock: Clock) -> None:
        super().__init__(trial, network, header, clock)
        architecture = network.architecture
        self._engine = AsTrained(network, device=self.device, dtype=self.dtype)
        wrap_engine(clock, self._engine)
        self._geometry = PatchGeometry(self.edge, architecture.contexts)
        may = shared_contexts(architecture)
        self._shared = may if trial.method == "plain" else (False,) * len(may)

    def warm_up(self) -> None:
        self.labels(np.zeros((self.edge,) * 3, dtype=np.float32))
        self.tiles = 0

    @torch.inference_mode()
    def labels(self, scan: np.ndarray) -> np.ndarray:
        on_device = torch.from_numpy(scan).to(self.device)
        pyramid = ScanPyramid.build(on_device, self._geometry, hu_window=self.header.hu_window)
        contexts = Contexts(self._engine, pyramid, shared=self._shared)
        step = tile_grid(self.network.architecture, shared=any(self._shared))
        plan = plan_tiles(scan.shape, patch_size=self.edge, grid=step, overlap=self.trial.overlap)
        bell = gaussian(self.edge).float().to(self.device)
        weight = bell[:, None, None] * bell[None, :, None] * bell
        total = torch.zeros(self.header.table.n_classes, *scan.shape, device=self.device)
        weights = torch.zeros(scan.shape, device=self.device)
        for origin in (origin for k in plan.origins[2] for origin in plan.layer(k)):
            # A tile may reach beyond the grid.
            inside = [range(max(0, o), min(o + self.edge, n)) for o, n in zip(origin, scan.shape, strict=True)]
            at = tuple(slice(part.start, part.stop) for part in inside)
            own = tuple(slice(part.start - o, part.stop - o) for part, o in zip(inside, origin, strict=True))
            features = contexts.features(pyramid.patches([origin]), [origin])[(slice(None), slice(None), *own)]
            scores = apply_head(_complete(features, contexts, inside), self._engine.head())[0]
            total[(slice(None), *at)] += scores * weight[own]
            weights[at] += weight[own]
            self.tiles += 1
        total /= weights
        fine = interpolate(total[None], scale_factor=FINER, mode="trilinear", align_corners=False)
        del total
        return fine[0].argmax(dim=0).to(torch.uint8).cpu().numpy()


def _complete(features: Features, contexts: Contexts, inside: Sequence[range]) -> Features:
    """The features of a tile with those of the contexts that were run once, float32."""
    i, j, k = inside
    beside = contexts.beside(k, rows=j)
    late = [map_[:, :, i.start : i.stop].permute(3, 2, 1, 0)[None] for map_ in beside]
    return torch.cat([features.float(), *late], dim=1)
