"""MONAI's sliding window in class space, then interpolation of all scores, then the winner.

It is given the Gaussian that we blend with. Its own is the same but for a floor of a thousandth: below it, near the
faces of the scan, all tiles count alike, and 0.02 % of the labels are others for that.
"""

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch.nn.functional import interpolate

from inference.clock import Clock
from inference.methods.method import Method, Scores, normalised
from inference.scans import FINER
from inference.trial import Trial
from sneakynet.inference.tiles import gaussian
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader

_BATCH = {"cpu": 1, "cuda": 8}
"""Tiles per pass, as many as ours."""


class Monai(Method):
    """``sliding_window_inference``; its tiles are ours where the grid's edges are multiples of half a tile."""

    def __init__(self, trial: Trial, network: SneakyNet, header: WeightsHeader, clock: Clock) -> None:
        super().__init__(trial, network, header, clock)
        self._scores = Scores(network, device=self.device, dtype=self.dtype)
        clock.wrap(self._scores, "forward", name="network")
        bell = gaussian(self.edge).float()
        self._weights = (bell[:, None, None] * bell[None, :, None] * bell).to(self.device)

    def warm_up(self) -> None:
        self._scores.warm_up()

    @torch.inference_mode()
    def labels(self, scan: np.ndarray) -> np.ndarray:
        scores = sliding_window_inference(
            normalised(scan, self.header.hu_window)[None, None].to(self.device),
            roi_size=(self.edge,) * 3,
            sw_batch_size=_BATCH[self.trial.device],
            predictor=self._scores,
            overlap=self.trial.overlap,
            roi_weight_map=self._weights,
        )
        self.tiles = self._scores.tiles
        fine = interpolate(scores, scale_factor=FINER, mode="trilinear", align_corners=False)
        del scores
        return fine[0].argmax(dim=0).to(torch.uint8).cpu().numpy()
