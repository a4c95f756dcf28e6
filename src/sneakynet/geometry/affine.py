"""Affines: voxel index -> world mm, kept in float64 from end to end."""

import numpy as np
from jaxtyping import Float

from sneakynet.types import Affine

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM and ITK count x to the left and y to the back; this package, like NIfTI, to the right and the front.
Its own inverse."""


def spacing_of(affine: Affine) -> tuple[float, float, float]:
    """Mm per voxel step along i, j, k.

    Args:
        affine: voxel index -> world mm.

    Returns:
        The lengths of the affine's first three columns.
    """
    i, j, k = (float(length) for length in np.linalg.norm(affine[:3, :3], axis=0))
    return i, j, k


def to_world(affine: Affine, indices: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
    """World positions of voxel indices.

    Args:
        affine: voxel index -> world mm.
        indices: one row per point; fractions allowed, a whole number is the centre of a voxel.

    Returns:
        World mm, one row per point.
    """
    world: np.ndarray = indices @ affine[:3, :3].T + affine[:3, 3]
    return world
