"""Turning, scaling and bending the space around a patch: one deformation for the target and all of its contexts.

Target and contexts are concentric views of one space, so the deformation is drawn once, in units of the target's
voxels around the patch's centre, and every view is sampled from its own level of the pyramid through it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Integer
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn.functional import grid_sample

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


def warped(
    scan: Tensor,
    labels: Tensor,
    warp: Warp,
    *,
    centre: tuple[float, ...],
    edge: int,
    scale: int,
    widest: int,
    inside: tuple[tuple[int, int], tuple[int, int], tuple[int, int]],
    ignore: int | None,
) -> tuple[Float[Tensor, "edge edge edge"], Integer[Tensor, "edge edge edge"]]:
    """One view through a deformation: HU by linear interpolation, labels by the nearest cell.

    Args:
        scan: level of the pyramid.
        labels: on the same grid.
        warp: the deformation.
        centre: of the patch, full-resolution voxel coordinates.
        edge: of the view, in its own cells.
        scale: voxels per cell along an edge.
        widest: edge of the widest view, full-resolution voxels.
        inside: the cells that exist; beyond them the edge values are repeated.
        ignore: label of cells beyond, if they are to be marked.
    """
    device = scan.device
    lattice = np.random.default_rng(warp.seed).normal(0, warp.bend * widest, (3, _NODES, _NODES, _NODES))
    matrix = np.array(warp.matrix)
    # Where the view may reach is bounded beforehand: no value has to come back from the device.
    reach = np.abs(matrix).sum(1) * (edge * scale / 2) + np.abs(lattice).max()
    low = [max(a, min(int((c - r) // scale) - 1, b - 1)) for (a, b), c, r in zip(inside, centre, reach, strict=True)]
    high = [
        min(b, max(int((c + r) // scale) + 3, start + 1))
        for (_, b), c, r, start in zip(inside, centre, reach, low, strict=True)
    ]
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))

    steps = (torch.arange(edge, device=device) - (edge - 1) / 2) * scale
    offsets = torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij"), dim=-1)
    nodes = torch.from_numpy(lattice.astype(np.float32)).to(device, non_blocking=True)
    # grid_sample wants the last axis first.
    bend = grid_sample(nodes[None], (offsets.flip(-1) / (widest / 2))[None], align_corners=True)[0]
    linear = torch.from_numpy(matrix.astype(np.float32)).to(device, non_blocking=True)
    at = offsets @ linear.T + bend.permute(1, 2, 3, 0)
    # Cell c of a level covers the voxels c * scale ... (c + 1) * scale - 1.
    middle = torch.tensor([(c + 0.5) / scale - 0.5 for c in centre], device=device)
    at = at / scale + middle

    first = torch.tensor(low, device=device)
    last = torch.tensor([b - 1 for b in high], device=device)
    nearest = at.round().long()
    within = torch.minimum(torch.maximum(nearest, first), last) - first
    label = labels[box][within.unbind(-1)]
    if ignore is not None:
        begin = torch.tensor([a for a, _ in inside], device=device)
        end = torch.tensor([b - 1 for _, b in inside], device=device)
        label[((nearest < begin) | (nearest > end)).any(-1)] = ignore
    size = torch.tensor([max(b - a - 1, 1) for a, b in zip(low, high, strict=True)], device=device)
    image = grid_sample(
        scan[box].float()[None, None],
        ((at - first) / size * 2 - 1).flip(-1)[None],
        align_corners=True,
        padding_mode="border",
    )[0, 0]
    return image, label
