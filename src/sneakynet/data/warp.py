"""Turning, scaling and bending the space around a patch: one deformation for the target and all of its contexts.

Target and contexts are concentric views of one space, so the deformation is drawn once, in units of the target's
voxels around the patch's centre, and every view is sampled from its own level of the pyramid through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Integer, Shaped
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn.functional import grid_sample

from sneakynet.data.pyramid import Level

_TURN = 7.0  # degrees, standard deviation about each axis
_SCALE = 1.22  # largest factor up and down
_STRETCH = 0.05  # standard deviation of the further factor of each axis
_BEND = 0.012  # standard deviation of a node's displacement, in edges of the widest view
_NODES = 9  # of the bending lattice along the widest view's edge


@dataclass(frozen=True)
class Warp:
    """A deformation of the space around a point.

    Args:
        matrix: rows of the linear part: offset in the patch -> offset in the scan.
        bend: standard deviation of the displacement of the lattice's nodes, in edges of the widest view.
        seed: of the lattice.
    """

    matrix: tuple[tuple[float, float, float], ...]
    bend: float
    seed: int


def draw_warp(rng: np.random.Generator) -> Warp:
    """Turns of 7 degrees, a common scale between 1 / 1.22 and 1.22, 5 % along each axis, and a smooth bend."""
    turn = Rotation.from_rotvec(np.deg2rad(np.clip(rng.normal(0, _TURN, 3), -3 * _TURN, 3 * _TURN))).as_matrix()
    scale = np.exp(rng.uniform(-1, 1) * np.log(_SCALE)) * np.clip(rng.normal(1, _STRETCH, 3), 0.8, 1.2)
    matrix = turn * scale
    return Warp(
        matrix=tuple((float(row[0]), float(row[1]), float(row[2])) for row in matrix),
        bend=float(_BEND * rng.random()),
        seed=int(rng.integers(2**31)),
    )


Bounds = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""First and one-past-last cell along i, j, k."""


class WarpedViews:
    """Views of scans through deformations, a batch at a time.

    Args:
        warps: one for each patch.
        centres: that the deformations are about, full-resolution voxel coordinates.
        widest: for each, edge of a cube around its centre that holds all its views, full-resolution voxels.
        device: where the scans lie.
    """

    def __init__(
        self,
        warps: Sequence[Warp],
        centres: Sequence[Sequence[float]],
        *,
        widest: Sequence[int],
        device: torch.device,
    ) -> None:
        shape = (3, _NODES, _NODES, _NODES)
        lattices = np.stack(
            [
                np.random.default_rng(warp.seed).normal(0, warp.bend * edge, shape)
                for warp, edge in zip(warps, widest, strict=True)
            ]
        )
        self._matrices = np.array([warp.matrix for warp in warps])
        self._centres, self._half, self._device = np.array(centres), np.array(widest) / 2, device
        self._bend = np.abs(lattices).max(axis=(1, 2, 3, 4))
        # Interpolation between nodes keeps what is linear as it is, so they may carry the linear part as well.
        still = np.stack(np.meshgrid(*[np.linspace(-1, 1, _NODES)] * 3, indexing="ij"))
        self._nodes = lattices + np.einsum("bdc,b,cxyz->bdxyz", self._matrices, self._half, still)

    def at(
        self,
        scans: Sequence[Level],
        labels: Sequence[Level],
        *,
        shape: tuple[int, int, int],
        scale: int,
        shifts: Float[np.ndarray, "batch 3"],
        inside: Sequence[Bounds],
        ignore: int | None,
    ) -> tuple[Float[Tensor, "batch i j k"], Integer[Tensor, "batch i j k"]]:
        """The views at one level: HU by linear interpolation, labels by the nearest cell.

        Args:
            scans: this level of each patch's pyramid.
            labels: on the same grids.
            shape: of the views, in their own cells.
            scale: voxels per cell along an edge.
            shifts: from each centre to the middle of its view before it is deformed, full-resolution voxels.
            inside: the cells of each that exist; beyond them the edge values are repeated.
            ignore: label of cells beyond, if they are to be marked.
        """
        begin, end = (np.array([[bound[n] for bound in bounds] for bounds in inside]) for n in (0, 1))
        # What a view may reach is bounded beforehand: no value has to come back from the device.
        reach = np.abs(self._matrices) @ (np.array(shape) * scale / 2) + self._bend[:, None]
        moved = self._centres + (self._matrices @ shifts[:, :, None])[:, :, 0]
        low = np.clip((moved - reach) // scale - 1, begin, end - 1).astype(int)
        high = np.clip((moved + reach) // scale + 3, low + 1, end).astype(int)
        size = high - low
        # Cell c of a level covers the voxels c * scale ... (c + 1) * scale - 1.
        middle = (self._centres + 0.5) / scale - 0.5
        nodes = self._nodes / scale + (middle - low)[:, :, None, None, None]
        # The last axis comes first, as grid_sample wants it.
        parts = (nodes, begin - low, end - 1 - low, _strides(size), 2 / np.maximum(size - 1, 1))
        nodes_, *others = on_device(self._device, *(part[:, ::-1] for part in parts))
        begin_, last_, strides_, unit_ = (part[:, :, None, None, None] for part in others)
        k_, j_, i_ = on_device(self._device, *(self._between_nodes(shape, shifts, scale, axis) for axis in (2, 1, 0)))
        # What is looked up lies in straight rows, so nodes are interpolated axis by axis.
        at = torch.einsum("bdxyz,bix->bdiyz", nodes_, i_)
        at = torch.einsum("bdiyz,bjy->bdijz", at, j_)
        at = torch.einsum("bdijz,bkz->bdijk", at, k_)

        nearest = at.round()
        within = torch.minimum(torch.maximum(nearest, begin_), last_)
        flat = (within.int() * strides_.int()).sum(1)
        boxes = _boxes(low, high)
        seen = torch.stack([label[box].take(index) for label, box, index in zip(labels, boxes, flat, strict=True)])
        if ignore is not None:
            seen.masked_fill_((within != nearest).any(1), ignore)
        places = torch.addcmul(at.new_full((), -1.0), at, unit_).permute(0, 2, 3, 4, 1)
        images = [_sampled(scan[box], place) for scan, box, place in zip(scans, boxes, places, strict=True)]
        return torch.stack(images), seen

    def _between_nodes(
        self, shape: tuple[int, int, int], shifts: Float[np.ndarray, "batch 3"], scale: int, axis: int
    ) -> Float[np.ndarray, "batch edge node"]:
        """Weight of every node of the lattice in every cell of a view, along one axis."""
        cells = (np.arange(shape[axis]) - (shape[axis] - 1) / 2) * scale
        at = (cells + shifts[:, axis, None]) / self._half[:, None]  # the lattice lies from -1 to 1
        apart = np.abs((at[:, :, None] + 1) / 2 * (_NODES - 1) - np.arange(_NODES))
        return np.asarray(np.maximum(0, 1 - apart))


def _strides(size: Integer[np.ndarray, "batch 3"]) -> Integer[np.ndarray, "batch 3"]:
    """Of boxes of some sizes, in cells."""
    return np.stack([size[:, 1] * size[:, 2], size[:, 2], np.ones_like(size[:, 2])], axis=1)


def _sampled(box: Shaped[Tensor, "_ _ _"], places: Float[Tensor, "i j k 3"]) -> Float[Tensor, "i j k"]:
    """Values of a box at some places, -1 to 1 from its first to its last cell, linear between cells."""
    edge, threads = places.shape[0], torch.get_num_threads() if places.device.type == "cpu" else 1
    # On a CPU it is the batch that is shared out among threads.
    parts = max(n for n in range(1, threads + 1) if edge % n == 0)
    values = box.float().expand(parts, 1, *box.shape)
    places_ = places.reshape(parts, edge // parts, *places.shape[1:])
    found = grid_sample(values, places_, align_corners=True, padding_mode="border")
    return found.reshape(places.shape[:3])


def _boxes(low: np.ndarray, high: np.ndarray) -> list[tuple[slice, ...]]:
    return [tuple(slice(int(a), int(b)) for a, b in zip(*ends, strict=True)) for ends in zip(low, high, strict=True)]


def on_device(device: torch.device, *arrays: np.ndarray) -> list[Tensor]:
    """Arrays as float32 tensors, sent in one piece: every copy from unpinned memory would wait for the device."""
    flat = torch.from_numpy(np.concatenate([np.asarray(array, np.float32).ravel() for array in arrays]))
    if device.type == "cuda":
        flat = flat.pin_memory().to(device, non_blocking=True)
    sizes = [array.size for array in arrays]
    return [part.reshape(array.shape) for part, array in zip(torch.split(flat, sizes), arrays, strict=True)]
