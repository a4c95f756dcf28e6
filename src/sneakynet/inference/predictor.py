"""Segment a scan: bring it to the network's grid, run the tiles, blend, label the scan's own grid."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.nn.utils.memory_format import convert_conv3d_weight_memory_format

from sneakynet.data.network_grid import on_network_grid
from sneakynet.data.sampling import PatchGeometry
from sneakynet.geometry.orientation import canonical_axes, restore
from sneakynet.inference.blend import blend
from sneakynet.inference.device import resolve_device
from sneakynet.inference.progress import tile_bar
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.segmentation import Segmentation
from sneakynet.inference.tiles import plan_tiles
from sneakynet.inference.upsample import AxisSamples, labels_from_slabs
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.default import default_weights
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader, load_weights
from sneakynet.types import Features
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

Progress = Callable[[int, int], None]
"""Called with the tiles done and the tiles of all."""

# Voxels of each input per pass of the network: small tiles go several at a time.
_BATCH_VOXELS = {"cpu": 64**3, "cuda": 8 * 64**3}


class Predictor:
    """A network on its device, ready for any number of scans.

    On a CPU the process keeps the memory that it frees from then on, see :func:`keep_freed_memory`.

    Args:
        network: in evaluation mode.
        header: how to feed it and what its classes mean.
        name: of the model, for the records.
        device: see `resolve_device`.

    Raises:
        SettingError: there is no such device here.
    """

    def __init__(self, network: SneakyNet, header: WeightsHeader, *, name: str, device: str = "auto") -> None:
        self.device = resolve_device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        # Channels last makes the convolutions a fifth faster on CPU.
        self.network = network.to(self.device).eval()
        convert_conv3d_weight_memory_format(self.network, torch.channels_last_3d)
        self.header = header
        self.name = name
        architecture = network.architecture
        self._geometry = PatchGeometry(architecture.patch_size, architecture.contexts)

    @classmethod
    def load(cls, path: str | Path | None = None, *, device: str = "auto") -> "Predictor":
        """Read a weights file.

        Args:
            path: the file; None takes the weights that come with the package.
            device: see `resolve_device`.

        Raises:
            WeightsError: the file is missing, damaged, or of another kind or version.
            SettingError: there is no such device here.
        """
        resolve_device(device)  # a slip in its name shows at once, not after the file was read
        path = default_weights() if path is None else Path(path)
        network, header = load_weights(path)
        return cls(network, header, name=path.stem, device=device)

    @torch.inference_mode()
    def segment(self, scan: Volume, *, progress: Progress = lambda done, total: None) -> Segmentation:
        """Label every voxel of a scan.

        Args:
            scan: Hounsfield units; any orientation, spacing and size, oblique too.
            progress: called after every pass of the network.

        Returns:
            Labels on the scan's own grid, with its exact affine.
        """
        grid = on_network_grid(scan, spacing=self.header.spacing)
        pyramid = ScanPyramid.build(grid.voxels, self._geometry, hu_window=self.header.hu_window)
        plan = plan_tiles(grid.shape, patch_size=self._geometry.patch_size, grid=self._geometry.grid)
        done = 0

        def features_at(origins: Sequence[tuple[int, int, int]]) -> Features:
            nonlocal done
            target, *contexts = (patch.to(self.device) for patch in pyramid.patches(origins))
            features = self.network.target_features(target, contexts)
            done += len(origins)
            progress(done, len(plan))
            return features

        weight, bias = self.network.target_head()

        def head(features: Tensor) -> Tensor:
            return linear(features, weight, bias)

        batch_size = max(1, _BATCH_VOXELS[self.device.type] // self._geometry.patch_size**3)
        labels = labels_from_slabs(
            blend(plan, features_at, batch_size=batch_size),
            head,
            _samples(canonical(scan), grid),
            n_classes=self.header.table.n_classes,
        )
        labels = np.ascontiguousarray(restore(labels, canonical_axes(scan.affine)))
        return Segmentation(labels=Volume(labels, scan.affine), table=self.header.table, model=self._record())

    def _record(self) -> dict[str, object]:
        return {
            "name": self.name,
            "weights_format_version": self.header.format_version,
            "architecture": dict(self.header.architecture),
            "spacing_mm": list(self.header.spacing),
            "hu_window": list(self.header.hu_window),
            "provenance": dict(self.header.provenance),
        }


def segment(
    scan: Volume, *, model: str | Path | None = None, device: str = "auto", progress: bool = False
) -> Segmentation:
    """Find the bones in a scan. For several scans, `Predictor` reads the model once.

    Args:
        scan: Hounsfield units; any orientation, spacing and size, oblique too.
        model: weights file; None takes the one that comes with the package.
        device: ``auto``, ``cpu``, ``cuda`` ...
        progress: whether to show a bar on stderr.

    Returns:
        Labels on the scan's own grid, with its exact affine.

    Raises:
        WeightsError: the weights file is missing, damaged, or of another kind or version.
        SettingError: there is no such device here.
    """
    predictor = Predictor.load(model, device=device)
    if not progress:
        return predictor.segment(scan)
    with tile_bar("segmenting") as show:
        return predictor.segment(scan, progress=show)


def _samples(scan: Volume, grid: Volume) -> tuple[AxisSamples, AxisSamples, AxisSamples]:
    """Where the voxels of a scan in RAS+ order lie on the network's grid, which runs along the same axes."""
    to_grid = np.linalg.inv(grid.affine) @ scan.affine
    i, j, k = (
        AxisSamples.along(scan.shape[a], scale=float(to_grid[a, a]), offset=float(to_grid[a, 3]), length=grid.shape[a])
        for a in range(3)
    )
    return i, j, k
