"""How a bone lies: the axes along which its voxels spread most and least, and how far it reaches along them."""

import numpy as np
from jaxtyping import Float64, Integer

from sneakynet.types import Affine


def principal_axes(covariance: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """Unit vectors, one a row: along the greatest spread, the middle one, the least.

    Of the two directions of an axis, the first and second take the one whose largest component is positive: most to
    the right, to anterior or to superior. The third is their cross product, so that the three are right-handed. Where
    two spreads are equal (a ball, a cube), the axes between them mean nothing.

    Args:
        covariance: of positions, world mm2, RAS+.
    """
    axes = np.linalg.eigh(covariance).eigenvectors.T[::-1].copy()
    for axis in axes[:2]:
        # Of components that are equal but for rounding, the first.
        largest = int(np.argmax(np.round(np.abs(axis), 9)))
        axis *= np.sign(axis[largest])
    axes[2] = np.cross(axes[0], axes[1])
    return axes


def extents(
    points: Integer[np.ndarray, "point 3"], axes: Float64[np.ndarray, "3 3"], affine: Affine
) -> Float64[np.ndarray, " 3"]:
    """How far voxels reach along axes, mm, with their whole width.

    Args:
        points: indices of voxels, among them the outermost.
        axes: unit vectors, one a row.
        affine: voxel index to world mm.
    """
    steps = affine[:3, :3]
    along = points @ (steps.T @ axes.T)
    width = np.abs(axes @ steps).sum(axis=1)
    reach: np.ndarray = along.max(axis=0) - along.min(axis=0) + width
    return reach
