"""Segment a scan: bring it to the network's grid, run the tiles, blend, label the scan's own grid."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.network_grid import network_grid, on_network_grid
from sneakynet.data.patches import PatchGeometry
from sneakynet.errors import SettingError, WeightsError
from sneakynet.geometry.orientation import canonical_axes, restore
from sneakynet.inference.axis_samples import AxisSamples
from sneakynet.inference.blend import Slab
from sneakynet.inference.contexts import shared_contexts, tile_grid
from sneakynet.inference.device import Precision, compute_dtype, resolve_device
from sneakynet.inference.engine import Engine, TorchEngine
from sneakynet.inference.exported import is_exported, load_exported
from sneakynet.inference.grid_on_gpu import grid_on_gpu
from sneakynet.inference.linear_head import LinearHead
from sneakynet.inference.memory import LABEL_BYTES, Forecast, Workload, fit, memory_at_hand, memory_in_use
from sneakynet.inference.outflow import Outflow
from sneakynet.inference.progress import tile_bar
from sneakynet.inference.scan_pass import ScanPass, batch_size
from sneakynet.inference.scan_pyramid import ScanPyramid
from sneakynet.inference.segmentation import Segmentation
from sneakynet.inference.upsample import Samples, label_planes
from sneakynet.models.allocator import freed_memory_kept, keep_freed_memory
from sneakynet.models.packaged import model_path
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader, load_weights
from sneakynet.types import Affine
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.scratch import scratch_array
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)
# More than any processor has cores; where there is no room for threads, libraries end the program instead of saying so.
_MOST_THREADS = 1024

Progress = Callable[[int, int], None]
"""Called with the tiles done and the tiles of all."""

OVERLAP = 0.25
"""Half of the tiles' edge gives nearly the same labels at twice the cost."""


class Predictor:
    """A network on its device, ready for any number of scans.

    On a CPU the process keeps the memory that it frees from then on, see :func:`keep_freed_memory`.

    Args:
        network: a network, or what computes one (`Engine`), which has its own device and precision.
        header: how to feed it and what its classes mean.
        name: of the model, for the records.
        device: see `resolve_device`.
        precision: of the convolutions, see `compute_dtype`.
        overlap: share of its edge that a tile has in common with the next, at least.
        share_contexts: run contexts once over the whole scan where the network allows it (`shared_contexts`).
        skip_air: run no tile that holds nothing but air (`tiles_of_air`).

    Raises:
        SettingError: there is no such device here.
    """

    def __init__(
        self,
        network: SneakyNet | Engine,
        header: WeightsHeader,
        *,
        name: str,
        device: str = "auto",
        precision: Precision = "auto",
        overlap: float = OVERLAP,
        share_contexts: bool = True,
        skip_air: bool = True,
    ) -> None:
        if isinstance(network, SneakyNet):
            where = resolve_device(device)
            network = TorchEngine(network, device=where, dtype=compute_dtype(precision, where))
        self.engine = network
        if self.engine.device.type == "cpu":
            keep_freed_memory()
        self._at_rest = memory_in_use()
        self.header = header
        self.name = name
        self._geometry = PatchGeometry(self.engine.architecture.patch_size, self.engine.architecture.contexts)
        self._overlap, self._skip_air = overlap, skip_air
        architecture = self.engine.architecture
        may = shared_contexts(architecture)
        self._shared = may if share_contexts else (False,) * len(may)
        if share_contexts and may and not any(may) and architecture.norm in {"instance", "group"}:
            _LOG.warning(
                "%s: its contexts are normalised by the statistics of what they see (%s), so they are run for every "
                "tile and not once per scan, which takes some times as long; batch normalisation would allow it",
                name,
                architecture.norm,
            )

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        device: str = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
    ) -> "Predictor":
        """Read a model.

        Args:
            path: a weights file, a folder that ``sneakynet export`` wrote, or the name of a model that comes with the
                package: ``default`` (also None) or ``fine``.
            device: see `resolve_device`.
            precision: of the convolutions, see `compute_dtype`.
            threads: of the processor, for the whole process from then on; None leaves them as they are.

        Raises:
            WeightsError: the model is missing, damaged, or of another kind or version.
            SettingError: there is no such device here, or the number of threads is below 1 or above 1024.
        """
        if threads is not None:
            if not 1 <= threads <= _MOST_THREADS:
                msg = f"threads is a number from 1 to {_MOST_THREADS}, got {threads}; there are {os.cpu_count()} cores"
                raise SettingError(msg)
            torch.set_num_threads(threads)
        path = model_path(path)
        if is_exported(path):
            engine, header = load_exported(path, device=device, precision=precision)
            return cls(engine, header, name=path.resolve().name)
        resolve_device(device)  # a slip in its name shows at once, not after the file was read
        network, header = load_weights(path)
        return cls(network, header, name=path.stem, device=device, precision=precision)

    @torch.inference_mode()
    def segment(
        self,
        scan: Volume,
        *,
        confidence: bool = False,
        mirror: bool = False,
        folder: Path | None = None,
        memory_limit: int | None = None,
        reserve: int = 0,
        planned: Callable[[Forecast], None] = lambda forecast: None,
        progress: Progress = lambda done, total: None,
    ) -> Segmentation:
        """Label every voxel of a scan.

        Args:
            scan: Hounsfield units; any orientation, spacing and size, oblique too.
            confidence: also give how probable each voxel's label is.
            mirror: run the network a second time with left and right exchanged, and average the class scores with
                the classes exchanged back. Twice the time.
            folder: labels lie in a nameless file there while they are made and used; None keeps them in memory.
            memory_limit: bytes that the process (on a GPU: the device) may hold; None takes what is at hand. Where
                the scan would take more, it is blended in narrower strips, which gives the same labels in more time.
            reserve: bytes that other work in this process will take meanwhile.
            planned: called once with what the scan will take, before any work.
            progress: called after every pass of the network.

        Returns:
            Labels on the scan's own grid, with its exact affine.

        Raises:
            SettingError: the scan does not fit the memory limit, however it is cut; or there is no other side to
                exchange a bone with.
            WeightsError: the network gave values that are not finite.
            OutputError: the folder has no room for the labels.
        """
        if mirror:
            _check_partners(self.header.table)
        straight = canonical(scan)
        kept = 0 if folder else 1 + confidence
        forecast = self._plan(straight, mirror=mirror, kept=kept, limit=memory_limit, reserve=reserve)
        planned(forecast)
        samples = _samples(straight, *network_grid(straight, spacing=self.header.spacing))
        pyramid = ScanPyramid.build(self._on_grid(straight), self._geometry, hu_window=self.header.hu_window)
        passes = [
            ScanPass.prepare(
                self.engine,
                pyramid,
                straight.voxels,
                samples,
                overlap=self._overlap,
                shared=self._shared,
                skip_air=self._skip_air,
                block_voxels=forecast.block_voxels,
                mirrored=mirrored,
            )
            for mirrored in ((False, True) if mirror else (False,))
        ]
        shape = straight.shape[::-1]
        into = Outflow(
            labels=scratch_array(shape, np.uint8 if self.header.table.n_classes <= 256 else np.uint16, folder=folder),
            confidence=scratch_array(shape, np.uint8, folder=folder) if confidence else None,
        )
        with into.open():
            self._label(passes, samples, into, strips=_strips(pyramid.shape[1], forecast.rows), progress=progress)
        axes = canonical_axes(scan.affine)
        return Segmentation(
            labels=Volume(restore(into.labels.transpose(), axes), scan.affine),
            table=self.header.table,
            model=self._record(),
            work=_work_record(passes, forecast),
            confidence=None
            if into.confidence is None
            else Volume(restore(into.confidence.transpose(), axes), scan.affine),
        )

    def _on_grid(self, scan: Volume) -> np.ndarray | torch.Tensor:
        """Hounsfield units on the network's grid, where they are needed."""
        if self.engine.device.type == "cpu":
            return on_network_grid(scan, spacing=self.header.spacing).voxels
        return grid_on_gpu(scan, spacing=self.header.spacing, device=self.engine.device)

    def _plan(self, scan: Volume, *, mirror: bool, kept: int, limit: int | None, reserve: int) -> Forecast:
        """What a scan will take, held under a limit."""
        architecture, device = self.engine.architecture, self.engine.device
        grid, _ = network_grid(scan, spacing=self.header.spacing)
        work = Workload(
            scan=scan.shape,
            grid=grid,
            resampled=grid != scan.shape,
            architecture=architecture,
            shared=self._shared,
            activation_bytes=4 if self.engine.precision == "f32" else 2,
            batch_size=batch_size(architecture.patch_size, device),
            passes=1 + mirror,
            output_bytes=kept if device.type == "cpu" else 0,
            device=device.type,
        )
        if device.type == "cpu":
            # What earlier scans left free is taken first; what was there when the model was loaded is in use for good.
            base = max(self._at_rest + scan.voxels.nbytes, memory_in_use() - freed_memory_kept()) + reserve
            at_hand = memory_at_hand()
        else:
            free, _ = torch.cuda.mem_get_info(device)
            base = torch.cuda.memory_allocated(device)
            at_hand = free + torch.cuda.memory_reserved(device)
        cell = tile_grid(architecture, shared=any(self._shared))
        step = max(cell, int(architecture.patch_size * (1 - self._overlap)) // cell * cell)
        return fit(work, base=base, limit=at_hand if limit is None else limit, step=step)

    def _label(
        self,
        passes: Sequence[ScanPass],
        samples: Samples,
        into: Outflow,
        *,
        strips: Sequence[range],
        progress: Progress,
    ) -> None:
        """Run all passes in step, strip by strip and slab by slab, and label the planes as they become ready."""
        head = _head(passes, self.header.table.mirror_lut())
        total = sum(each.tiles(rows) for each in passes for rows in strips)
        finished = 0

        def done(tiles: int) -> None:
            nonlocal finished
            finished += tiles
            progress(finished, total)

        for rows in strips:
            points_j, j = samples[1].within(rows)
            for slabs in zip(*(each.slabs(rows, done=done) for each in passes), strict=True):
                for slab in slabs:
                    self._check(slab)
                for planes in _portions(slabs[0], channels=sum(each.made_channels for each in passes)):
                    features = [
                        map_
                        for each, slab in zip(passes, slabs, strict=True)
                        for map_ in each.complete(slab, planes, rows=rows)
                    ]
                    points_k, k = samples[2].within(planes)
                    found = label_planes(
                        features,
                        head,
                        (samples[0], j, k),
                        confidence=into.confidence is not None,
                    )
                    into.put(found, (slice(points_k.start, points_k.stop), slice(points_j.start, points_j.stop)))
                into.rest()

    def _check(self, slab: Slab) -> None:
        if not torch.isfinite(slab.features.sum()):
            msg = (
                f"the model {self.name} gave values that are not finite (planes {slab.start} to {slab.stop - 1} of the "
                f"network's grid, precision {self.engine.precision}); its weights are damaged or overflow: try "
                "--precision f32, else another model"
            )
            raise WeightsError(msg)

    def _record(self) -> dict[str, object]:
        return {
            "name": self.name,
            "weights_format_version": self.header.format_version,
            "architecture": dict(self.header.architecture),
            "spacing_mm": list(self.header.spacing),
            "hu_window": list(self.header.hu_window),
            "precision": self.engine.precision,
            "provenance": dict(self.header.provenance),
        }


def segment(
    scan: Volume,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    order: bool = True,
    progress: bool = False,
) -> Segmentation:
    """Find the bones in a scan. For several scans, `Predictor` reads the model once.

    Args:
        scan: Hounsfield units; any orientation, spacing and size, oblique too.
        model: see `Predictor.load`.
        device: ``auto``, ``cpu``, ``cuda`` ...
        precision: ``auto``, ``f32``, ``bf16`` or, on a GPU, ``f16``.
        order: put vertebrae, ribs and sides in the order that everyone's have, see `Segmentation.in_order`.
        progress: whether to show a bar on stderr.

    Returns:
        Labels on the scan's own grid, with its exact affine.

    Raises:
        WeightsError: the weights file is missing, damaged, or of another kind or version.
        SettingError: there is no such device here.
    """
    predictor = Predictor.load(model, device=device, precision=precision)
    if progress:
        with tile_bar("segmenting") as show:
            found = predictor.segment(scan, progress=show)
    else:
        found = predictor.segment(scan)
    return found.in_order() if order else found


def _head(passes: Sequence[ScanPass], mirror: np.ndarray) -> LinearHead:
    """The mean of all passes' class scores, as one product; those of a mirrored pass with the sides exchanged back."""
    weights, biases = [], []
    for each in passes:
        weight, bias = each.head()
        order = torch.from_numpy(mirror).to(weight.device) if each.mirrored else slice(None)
        weights.append(weight[order] / len(passes))
        biases.append(bias[order] / len(passes))
    return LinearHead(torch.cat(weights, dim=1), torch.stack(biases).sum(dim=0))


def _check_partners(table: BoneTable) -> None:
    """Refuse a table in which a bone of one side has no partner: mirrored, it would be scored on the wrong side."""
    alone = table.without_partner
    if alone:
        msg = (
            f"the model cannot be run mirrored: {len(alone)} of its bones have a side, but no mirror partner in its "
            f"bone table ({', '.join(alone[:3])}{' ...' if len(alone) > 3 else ''}); leave out --mirror"
        )
        raise SettingError(msg)


def _portions(slab: Slab, *, channels: int) -> Iterator[range]:
    """Planes of a slab labelled together; each portion but the first begins with the last of the one before.

    Args:
        slab: whose planes.
        channels: features per voxel that are made for a portion.
    """
    planes, rows, columns = slab.features.shape[:3]
    step = max(1, LABEL_BYTES[slab.features.device.type] // (4 * rows * columns * channels) - 1)
    if planes == 1:
        yield range(slab.start, slab.stop)
    for first in range(slab.start, slab.stop - 1, step):
        yield range(first, min(first + step + 1, slab.stop))


def _work_record(passes: Sequence[ScanPass], forecast: Forecast) -> dict[str, object]:
    return {
        "tiles": sum(len(each.plan) for each in passes),
        "tiles_of_air": sum(len(each.plan.skipped) for each in passes),
        "mirrored_too": len(passes) > 1,
        "memory": forecast.to_dict(),
    }


def _strips(length: int, rows: int) -> list[range]:
    """Rows that are blended together; each strip but the first begins with the last row of the one before."""
    return [range(max(0, first - 1), min(first + rows, length)) for first in range(0, length, rows)]


def _samples(scan: Volume, shape: tuple[int, int, int], affine: Affine) -> Samples:
    """Where the scan's voxels lie on the network's grid of that shape; both run along the same axes."""
    to_grid = np.linalg.inv(affine) @ scan.affine
    i, j, k = (
        AxisSamples.along(scan.shape[a], scale=float(to_grid[a, a]), offset=float(to_grid[a, 3]), length=shape[a])
        for a in range(3)
    )
    return i, j, k
