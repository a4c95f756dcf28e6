"""A scan on the grid that networks read: RAS+ axes, the network's spacing."""

import numpy as np

from sneakynet.geometry.resample import grid_for, resample
from sneakynet.types import Affine, ScanArray
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

# Spacings nearer than this share of a voxel are taken as equal: headers round them.
_EQUAL = 1e-3

CT_RANGE = (-1024, 3071)
"""What a CT can measure, HU. Outside of it are marks, such as -3024 for what was not scanned, and the overflow of
metal: averaged, one of them would colour a whole coarse voxel."""


def network_grid(scan: Volume, *, spacing: tuple[float, float, float]) -> tuple[tuple[int, int, int], Affine]:
    """Shape and affine that :func:`on_network_grid` will give, without doing it."""
    aligned = canonical(scan)
    if _same_spacing(aligned, spacing):
        return aligned.shape, aligned.affine
    return grid_for(aligned.shape, aligned.affine, spacing=spacing)


def on_network_grid(scan: Volume, *, spacing: tuple[float, float, float]) -> Volume:
    """Reorder a scan's axes to RAS+ and bring it to a spacing, along its own axes (an oblique scan stays oblique).

    Args:
        scan: Hounsfield units, any orientation and spacing.
        spacing: mm per voxel step towards right, anterior, superior.

    Returns:
        The scan itself, reordered, where its spacing is that already; else averaged or interpolated onto a new grid
        that covers it, with values outside what a CT can measure clipped first.
    """
    aligned = canonical(scan)
    if _same_spacing(aligned, spacing):
        return aligned
    shape, affine = grid_for(aligned.shape, aligned.affine, spacing=spacing)
    voxels = resample(
        _physical(aligned.voxels), aligned.affine, to_shape=shape, to_affine=affine, order=1, fill=None, antialias=True
    )
    return Volume(voxels, affine)


def _same_spacing(scan: Volume, spacing: tuple[float, float, float]) -> bool:
    return all(abs(have - want) <= _EQUAL * want for have, want in zip(scan.spacing, spacing, strict=True))


def _physical(voxels: ScanArray) -> ScanArray:
    """Clipped to what a CT can measure; copied only where something is outside."""
    low, high = CT_RANGE
    return np.clip(voxels, low, high) if voxels.min() < low or voxels.max() > high else voxels
