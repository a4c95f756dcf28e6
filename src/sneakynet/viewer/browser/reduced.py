"""Fewer voxels, for what a graphics card can hold."""

import numpy as np
from jaxtyping import Int16

from sneakynet.geometry.affine import to_world
from sneakynet.types import Affine
from sneakynet.volumes.volume import Volume

Factors = tuple[int, int, int]


def factors_for(shape: tuple[int, int, int], spacing: tuple[float, float, float], *, limit: int) -> Factors:
    """How many voxels are made one along each axis: the finest axis is halved until the volume is small enough.

    Args:
        shape: voxels.
        spacing: mm.
        limit: voxels that may be left.
    """
    factors = [1, 1, 1]
    while np.prod([-(-n // f) for n, f in zip(shape, factors, strict=True)]) > limit:
        steps = [s * f for s, f in zip(spacing, factors, strict=True)]
        factors[int(np.argmin(steps))] *= 2
    return factors[0], factors[1], factors[2]


def reduced_scan(scan: Volume, factors: Factors) -> Volume:
    """Means over blocks, int16; those at the far faces may be of fewer voxels.

    Args:
        scan: HU; what int16 does not hold is clipped.
        factors: from `factors_for`.
    """
    limits = np.iinfo(np.int16)
    if factors == (1, 1, 1):
        voxels = scan.voxels
        if voxels.dtype != np.int16:
            voxels = np.rint(np.clip(voxels, limits.min, limits.max)).astype(np.int16)
        return Volume(voxels, scan.affine)
    starts = [np.arange(0, n, f) for n, f in zip(scan.shape, factors, strict=True)]
    i, j, k = (np.diff(start, append=n) for start, n in zip(starts, scan.shape, strict=True))
    means: Int16[np.ndarray, "i j k"] = np.empty((len(i), len(j), len(k)), dtype=np.int16, order="F")
    for n, (low, depth) in enumerate(zip(starts[2], k, strict=True)):  # slice by slice: sums of all would not fit
        sums = scan.voxels[:, :, low : low + depth].sum(axis=2, dtype=np.float32)
        sums = np.add.reduceat(np.add.reduceat(sums, starts[0], axis=0), starts[1], axis=1)
        means[:, :, n] = np.rint(np.clip(sums / (i[:, None] * j * depth), limits.min, limits.max))
    return Volume(means, _affine(scan.affine, factors, [(f - 1) / 2 for f in factors]))


def reduced_labels(labels: Volume, factors: Factors) -> Volume:
    """One voxel of each block: labels have no mean.

    Args:
        labels: class ids.
        factors: from `factors_for`.
    """
    first = [min(f // 2, n - 1) for f, n in zip(factors, labels.shape, strict=True)]
    i, j, k = (slice(start, None, f) for start, f in zip(first, factors, strict=True))
    return Volume(labels.voxels[i, j, k], _affine(labels.affine, factors, first))


def _affine(affine: Affine, factors: Factors, first: list[int] | list[float]) -> Affine:
    """Of a grid whose voxel 0 lies at ``first`` of the old one."""
    new = affine @ np.diag([*factors, 1.0])
    new[:3, 3] = to_world(affine, np.array([first], dtype=np.float64))[0]
    return new
