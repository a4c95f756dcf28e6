"""Smooth random fields on a grid: noise on a coarse lattice, interpolated."""

import numpy as np
import torch
from jaxtyping import Float

from sneakynet.phantom.bone_voxels import Grid


def _interpolated(lattice: np.ndarray, shape: tuple[int, int, int]) -> Float[np.ndarray, "i j k"]:
    tensor = torch.from_numpy(np.ascontiguousarray(lattice, dtype=np.float32))[None, None]
    return torch.nn.functional.interpolate(tensor, shape, mode="trilinear", align_corners=True)[0, 0].numpy()


def smooth_noise(rng: np.random.Generator, grid: Grid, *, scale: float) -> Float[np.ndarray, "i j k"]:
    """Gaussian noise of about unit deviation that varies over ``scale`` mm."""
    size = [max(2, int(np.ceil(n * grid.spacing / scale)) + 1) for n in grid.shape]
    # Trilinear interpolation averages neighbouring nodes; 1.6 restores the deviation.
    return _interpolated(rng.standard_normal(size) * 1.6, grid.shape)
