"""Turning, scaling and bending the space around a patch: one deformation for the target and all of its contexts.

Target and contexts are concentric views of one space, so the deformation is drawn once, in units of the target's
voxels around the patch's centre, and every view is sampled from its own level of the pyramid through it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Integer
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
        lattices = [
            np.random.default_rng(warp.seed).normal(0, warp.bend * edge, shape)
            for warp, edge in zip(warps, widest, strict=True)
        ]
        self._matrices = matrices = np.array([warp.matrix for warp in warps])
        self._centres, self._half, self._device = np.array(centres), np.array(widest) / 2, device
        self._bend = np.array([np.abs(lattice).max() for lattice in lattices])
        self._linear, self._nodes = on_device(device, matrices, np.stack(lattices))

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
        strides = np.stack([size[:, 1] * size[:, 2], size[:, 2], np.ones_like(size[:, 2])], axis=1)
        # Cell c of a level covers the voxels c * scale ... (c + 1) * scale - 1.
        middle = (moved + 0.5) / scale - 0.5
        half = np.broadcast_to(self._half[:, None], shifts.shape)
        parts = (middle, low, np.maximum(size - 1, 1), begin, end - 1, strides, shifts, half)
        middle_, low_, size_, begin_, last_, strides_, shifts_, half_ = (
            part[:, None, None, None] for part in on_device(self._device, *parts)
        )

        steps = [(torch.arange(edge, device=self._device) - (edge - 1) / 2) * scale for edge in shape]
        offsets = torch.stack(torch.meshgrid(*steps, indexing="ij"), dim=-1)
        # grid_sample wants the last axis first.
        lookup = ((offsets + shifts_) / half_).flip(-1)
        bend = grid_sample(self._nodes, lookup, align_corners=True).movedim(1, -1)
        at = (torch.einsum("ijkc,bdc->bijkd", offsets, self._linear) + bend) / scale + middle_

        nearest = at.round()
        within = torch.minimum(torch.maximum(nearest, begin_), last_)
        flat = ((within - low_).long() * strides_.long()).sum(-1)
        boxes = _boxes(low, high)
        seen = torch.stack([label[box].take(index) for label, box, index in zip(labels, boxes, flat, strict=True)])
        if ignore is not None:
            seen.masked_fill_((within != nearest).any(-1), ignore)
        places = ((at - low_) / size_ * 2 - 1).flip(-1)
        images = [
            grid_sample(scan[box].float()[None, None], place[None], align_corners=True, padding_mode="border")[0, 0]
            for scan, box, place in zip(scans, boxes, places, strict=True)
        ]
        return torch.stack(images), seen


def _boxes(low: np.ndarray, high: np.ndarray) -> list[tuple[slice, ...]]:
    return [tuple(slice(int(a), int(b)) for a, b in zip(*ends, strict=True)) for ends in zip(low, high, strict=True)]


def on_device(device: torch.device, *arrays: np.ndarray) -> list[Tensor]:
    """Arrays as float32 tensors, sent in one piece: every copy from unpinned memory would wait for the device."""
    flat = torch.from_numpy(np.concatenate([np.asarray(array, np.float32).ravel() for array in arrays]))
    if device.type == "cuda":
        flat = flat.pin_memory().to(device, non_blocking=True)
    sizes = [array.size for array in arrays]
    return [part.reshape(array.shape) for part, array in zip(torch.split(flat, sizes), arrays, strict=True)]
