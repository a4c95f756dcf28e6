"""A scan brought to the network's grid on a GPU: on a processor that takes longer than the network itself there."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.data.network_grid import CT_RANGE, network_grid
from sneakynet.geometry.resample import axis_weights
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

# Bytes of a slab of the scan as float32 on the GPU.
_SLAB_BYTES = 256 * 2**20

# What torch can take as it is; the rest becomes float32 before it is sent.
_SENDABLE = (np.int16, np.int32, np.uint8, np.int8, np.float32, np.float64)


def grid_on_gpu(scan: Volume, *, spacing: tuple[float, float, float], device: torch.device) -> Float[Tensor, "i j k"]:
    """What `on_network_grid` gives, on the device; sums of the same products in another order.

    Slab by slab along the slowest axis in memory, so that voxels travel as they lie, each plane is shrunk to the grid
    along the two faster axes, and all of them along the slowest at the end: by products with matrices that are mostly
    zero, which does not matter there.

    Args:
        scan: Hounsfield units, any orientation and spacing.
        spacing: mm per voxel step towards right, anterior, superior.
        device: a GPU.
    """
    aligned = canonical(scan)
    shape, affine = network_grid(aligned, spacing=spacing)
    order = sorted(range(3), key=lambda axis: -abs(aligned.voxels.strides[axis]))
    planes = aligned.voxels.transpose(order)
    to_ijk = [order.index(axis) for axis in range(3)]
    if shape == aligned.shape and np.array_equal(affine, aligned.affine):
        return _sent(planes, device).permute(to_ijk).contiguous()
    weights = axis_weights(aligned.shape, aligned.affine, to_shape=shape, to_affine=affine, antialias=True)
    slow, middle, fast = (torch.from_numpy(weights[axis].toarray()).to(device) for axis in order)
    step = max(1, _SLAB_BYTES // (4 * planes.shape[1] * planes.shape[2]))
    shrunk = torch.empty(len(planes), len(middle), len(fast), device=device)
    for first in range(0, len(planes), step):
        slab = _sent(planes[first : first + step], device).clamp_(*CT_RANGE)
        torch.matmul(middle, slab @ fast.t(), out=shrunk[first : first + step])
    return (slow @ shrunk.flatten(1)).view(len(slow), len(middle), len(fast)).permute(to_ijk).contiguous()


def _sent(planes: np.ndarray, device: torch.device) -> Float[Tensor, "slow middle fast"]:
    """On the device, float32; numbers travel as they are where that is fewer bytes."""
    dtype = planes.dtype.newbyteorder("=")
    wanted = dtype if dtype.type in _SENDABLE else np.dtype(np.float32)
    # torch takes no array that runs backwards: turned round, it runs forwards in memory and needs no copy.
    backwards = [axis for axis in range(3) if planes.strides[axis] < 0]
    forwards = np.ascontiguousarray(np.flip(planes, tuple(backwards)), dtype=wanted)
    return torch.from_numpy(forwards).to(device).float().flip(backwards)
