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
from sneakynet.inference.device import Precision, resolve_device, uses_bf16
from sneakynet.inference.progress import tile_bar
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.segmentation import Segmentation
from sneakynet.inference.tiles import plan_tiles
from sneakynet.inference.upsample import AxisSamples, labels_from_slabs
from sneakynet.inference.whole_context import WholeContext, can_see_whole, tile_grid
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.default import default_weights
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader, load_weights
from sneakynet.types import Features
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

Progress = Callable[[int, int], None]
"""Called with the tiles done and the tiles of all."""

OVERLAP = 0.25
"""Half of the tiles' edge gives nearly the same labels at twice the cost."""

_AIR_BELOW = -300.0
"""A tile without a denser voxel holds no bone: two thirds of the poorest bone (30 HU) in air are denser already."""

# What background leads by where no tile has run.
_CERTAIN = 300.0

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
        precision: of the convolutions, see `uses_bf16`.
        overlap: share of its edge that a tile has in common with the next, at least.
        whole_contexts: run contexts once over the whole scan where the network allows it (`can_see_whole`).

    Raises:
        SettingError: there is no such device here.
    """

    def __init__(
        self,
        network: SneakyNet,
        header: WeightsHeader,
        *,
        name: str,
        device: str = "auto",
        precision: Precision = "auto",
        overlap: float = OVERLAP,
        whole_contexts: bool = True,
    ) -> None:
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
        self._bf16, self._overlap = uses_bf16(precision, self.device), overlap
        self._whole_contexts = whole_contexts and can_see_whole(network)

    @classmethod
    def load(
        cls, path: str | Path | None = None, *, device: str = "auto", precision: Precision = "auto"
    ) -> "Predictor":
        """Read a weights file.

        Args:
            path: the file; None takes the weights that come with the package.
            device: see `resolve_device`.
            precision: of the convolutions, see `uses_bf16`.

        Raises:
            WeightsError: the file is missing, damaged, or of another kind or version.
            SettingError: there is no such device here.
        """
        resolve_device(device)  # a slip in its name shows at once, not after the file was read
        path = default_weights() if path is None else Path(path)
        network, header = load_weights(path)
        return cls(network, header, name=path.stem, device=device, precision=precision)

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
        size = self._geometry.patch_size
        plan = plan_tiles(
            grid.shape,
            patch_size=size,
            grid=tile_grid(self.network) if self._whole_contexts else self._geometry.grid,
            overlap=self._overlap,
        )
        low, high = self.header.hu_window
        plan = plan.without_air(pyramid.levels[0], 2 * (_AIR_BELOW - low) / (high - low) - 1)
        done = 0
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            around = (
                WholeContext(self.network, pyramid, patch_size=size, device=self.device)
                if self._whole_contexts and len(plan)
                else None
            )

        def features_at(origins: Sequence[tuple[int, int, int]]) -> Features:
            nonlocal done
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
                if around is None:
                    target, *contexts = (patch.to(self.device) for patch in pyramid.patches(origins))
                    features = self.network.target_features(target, contexts)
                else:
                    features = around.features(pyramid.targets(origins).to(self.device), origins)
            done += len(origins)
            progress(done, len(plan))
            # The last channel tells how much of a voxel's blend has been run at all.
            return torch.cat([features, features.new_ones((len(features), 1, *features.shape[2:]))], dim=1)

        weight, bias = _with_background_where_skipped(*self.network.target_head())

        def head(features: Tensor) -> Tensor:
            return linear(features, weight, bias)

        batch_size = max(1, _BATCH_VOXELS[self.device.type] // size**3)
        labels = labels_from_slabs(
            blend(plan, features_at, channels=weight.shape[1], device=self.device, batch_size=batch_size),
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
            "precision": "bf16" if self._bf16 else "f32",
            "provenance": dict(self.header.provenance),
        }


def segment(
    scan: Volume,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    progress: bool = False,
) -> Segmentation:
    """Find the bones in a scan. For several scans, `Predictor` reads the model once.

    Args:
        scan: Hounsfield units; any orientation, spacing and size, oblique too.
        model: weights file; None takes the one that comes with the package.
        device: ``auto``, ``cpu``, ``cuda`` ...
        precision: ``auto``, ``f32`` or ``bf16``.
        progress: whether to show a bar on stderr.

    Returns:
        Labels on the scan's own grid, with its exact affine.

    Raises:
        WeightsError: the weights file is missing, damaged, or of another kind or version.
        SettingError: there is no such device here.
    """
    predictor = Predictor.load(model, device=device, precision=precision)
    if not progress:
        return predictor.segment(scan)
    with tile_bar("segmenting") as show:
        return predictor.segment(scan, progress=show)


def _with_background_where_skipped(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """A head that reads one channel more, 1 where all tiles have run: what is missing there goes to background."""
    missing = torch.zeros_like(bias)
    missing[0] = _CERTAIN
    return torch.cat([weight, -missing[:, None]], dim=1), bias + missing


def _samples(scan: Volume, grid: Volume) -> tuple[AxisSamples, AxisSamples, AxisSamples]:
    """Where the voxels of a scan in RAS+ order lie on the network's grid, which runs along the same axes."""
    to_grid = np.linalg.inv(grid.affine) @ scan.affine
    i, j, k = (
        AxisSamples.along(scan.shape[a], scale=float(to_grid[a, a]), offset=float(to_grid[a, 3]), length=grid.shape[a])
        for a in range(3)
    )
    return i, j, k
