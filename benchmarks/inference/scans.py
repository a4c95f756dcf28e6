"""Scans of any size, cut from phantoms that are made once and kept."""

from pathlib import Path

import numpy as np

from sneakynet.volumes.volume import Volume

FINER = 2
"""Voxels of the scan per voxel of the network's grid, along each axis."""


def phantom_file(folder: Path, *, spacing: float, field: str = "whole", seed: int = 0) -> Path:
    """Where a phantom (spacing in mm) is kept."""
    return folder / f"phantom_{field}_{seed}_{spacing:g}mm.npy"


def phantom_voxels(file: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """The middle of a phantom; where the grid is larger, the body is mirrored at its faces.

    So hardly a tile of the grid is air, and every method has the same tiles to run.

    Args:
        file: see :func:`phantom_file`.
        shape: voxels of the grid.
    """
    voxels = np.load(file, mmap_mode="r")
    middle = []
    for have, edge in zip(voxels.shape, shape, strict=True):
        first = max(0, (have - edge) // 2)
        middle.append(slice(first, min(have, first + edge)))
    voxels = np.array(voxels[tuple(middle)])
    missing = [edge - have for edge, have in zip(shape, voxels.shape, strict=True)]
    return np.pad(voxels, [(gap // 2, gap - gap // 2) for gap in missing], mode="symmetric") if any(missing) else voxels


def fine_scan(voxels: np.ndarray, *, spacing: float) -> Volume:
    """A scan with voxels of half the network's, each of the network's voxels repeated.

    Args:
        voxels: on the network's grid.
        spacing: of the network's grid, mm.
    """
    for axis in range(3):
        voxels = voxels.repeat(FINER, axis)
    return Volume(voxels, np.diag([spacing / FINER] * 3 + [1.0]))
