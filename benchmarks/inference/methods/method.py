"""What every method has in common, and where a network's own time is spent."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.clock import Clock
from inference.scans import fine_scan
from inference.trial import Trial
from sneakynet.data.network_grid import on_network_grid
from sneakynet.inference.device import PRECISION_OF
from sneakynet.inference.engine import Engine
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader

NETWORK = ("network", "contexts", "target")
"""Names under which the network's time is booked."""


class Method(ABC):
    """One way from a scan to labels, ready to run.

    Args:
        trial: what is asked for.
        network: in evaluation mode.
        header: its own.
        clock: on which the network's time is booked.

    Attributes:
        tiles: that were run.
        forecast_gib: memory of the device that was announced; None where nothing is.
    """

    def __init__(self, trial: Trial, network: SneakyNet, header: WeightsHeader, clock: Clock) -> None:
        self.trial, self.network, self.header, self.clock = trial, network, header, clock
        self.edge = network.architecture.patch_size
        self.device = torch.device(trial.device)
        self.dtype = next(dtype for dtype, name in PRECISION_OF.items() if name == trial.precision)
        self.tiles = 0
        self.forecast_gib: float | None = None

    def read(self, voxels: np.ndarray) -> Any:
        """The scan as this method takes it, before the clock starts: peers get it on the network's grid.

        Args:
            voxels: HU, on the network's grid.

        Returns:
            What :meth:`labels` takes.
        """
        return on_network_grid(fine_scan(voxels, spacing=self.trial.spacing), spacing=self.header.spacing).voxels

    @abstractmethod
    def warm_up(self) -> None:
        """Run one tile, so that what happens once per process is not counted."""

    @abstractmethod
    def labels(self, scan: Any) -> np.ndarray:
        """Label the scan at twice the network's resolution."""


class Scores(nn.Module):
    """The network as peers know one: a patch in, the class scores of the target out; without contexts.

    Args:
        network: variant A.
        device: where it runs.
        dtype: that convolutions are computed in.
    """

    def __init__(self, network: SneakyNet, *, device: torch.device, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network.to(device)
        self.device = device
        self.dtype = dtype
        self.tiles = 0

    def forward(self, patch: Tensor) -> Tensor:
        """``[batch, 1, i, j, k]`` -> ``[batch, class, i, j, k]``."""
        self.tiles += len(patch)
        with autocast(self.device, self.dtype):
            return self.network(patch).target

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Score one patch, uncounted."""
        self(torch.zeros(1, 1, *(self.network.architecture.patch_size,) * 3, device=self.device))
        self.tiles = 0


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Convolutions computed in some numbers."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def normalised(voxels: np.ndarray, hu_window: tuple[float, float]) -> Tensor:
    """Hounsfield units as the network reads them."""
    low, high = hu_window
    return (torch.from_numpy(voxels).float().clamp(low, high) - (low + high) / 2) * (2 / (high - low))


def wrap_engine(clock: Clock, engine: Engine) -> None:
    """Book the passes of the contexts and of the target: these two hold every convolution but the heads."""
    clock.wrap(engine, "context_maps", name="contexts")
    clock.wrap(engine, "target_features", name="target")
