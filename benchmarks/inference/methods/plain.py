"""The plain method for networks with contexts: what MONAI does, with contexts.

Every tile is scored, scores are averaged with Gaussian weights in class space and interpolated as a whole, then the
winner is taken. ``plain`` cuts the contexts' maps from one pass over the whole scan, as our predictor does where the
network allows it: its labels are the reference. ``plain_patches`` runs every tile's own context patches, as training
does.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from inference.clock import Clock
from inference.methods.method import Method, wrap_network
from inference.scans import FINER
from inference.trial import Trial
from sneakynet.data.sampling import PatchGeometry
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.tiles import gaussian, plan_tiles
from sneakynet.inference.whole_context import WholeContext, tile_grid
from sneakynet.models.sneakynet import SneakyNet, apply_head
from sneakynet.models.weights import WeightsHeader


class Plain(Method):
    """Class scores of every tile, averaged, interpolated, compared."""

    def __init__(self, trial: Trial, network: SneakyNet, header: WeightsHeader, clock: Clock) -> None:
        super().__init__(trial, network, header, clock)
        self._whole = trial.method == "plain"
        self._geometry = PatchGeometry(self.edge, network.architecture.contexts)
        wrap_network(clock, network)

    def warm_up(self) -> None:
        self.labels(np.zeros((self.edge,) * 3, dtype=np.float32))
        self.tiles = 0

    @torch.inference_mode()
    def labels(self, scan: np.ndarray) -> np.ndarray:
        pyramid = ScanPyramid.build(scan, self._geometry, hu_window=self.header.hu_window)
        step = tile_grid(self.network) if self._whole else self._geometry.grid
        plan = plan_tiles(scan.shape, patch_size=self.edge, grid=step, overlap=self.trial.overlap)
        around = self._around(pyramid) if self._whole else None
        bell = gaussian(self.edge).float()
        weight = bell[:, None, None] * bell[None, :, None] * bell
        total = torch.zeros(self.header.table.n_classes, *scan.shape)
        weights = torch.zeros(scan.shape)
        for origin in (origin for k in plan.origins[2] for origin in plan.layer(k)):
            at = tuple(slice(max(0, o), o + self.edge) for o in origin)
            own = tuple(
                slice(max(0, -o), max(0, -o) + n) for o, n in zip(origin, weights[at].shape, strict=True)
            )  # a tile may reach beyond the grid
            scores = self._scores(pyramid, around, origin)[(slice(None), *own)]
            total[(slice(None), *at)] += scores * weight[own]
            weights[at] += weight[own]
            self.tiles += 1
        total /= weights
        fine = interpolate(total[None], scale_factor=FINER, mode="trilinear", align_corners=False)
        del total
        return fine[0].argmax(dim=0).to(torch.uint8).numpy()

    def _around(self, pyramid: ScanPyramid) -> WholeContext:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return WholeContext(self.network, pyramid, patch_size=self.edge, device=torch.device("cpu"))

    def _scores(self, pyramid: ScanPyramid, around: WholeContext | None, origin: tuple[int, int, int]) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            if around is None:
                target, *contexts = pyramid.patches([origin])
                features = self.network.target_features(target, contexts)
            else:
                features = around.features(pyramid.targets([origin]), [origin])
            return apply_head(features, self.network.target_head())[0]
