"""Cavities: what a bone closes in on all sides."""

import cc3d
import fill_voids
import numpy as np
from jaxtyping import Bool
from scipy.ndimage import find_objects

Mask = Bool[np.ndarray, "i j k"]


def enclosed(mask: Mask) -> Mask:
    """Find the cavities of a mask.

    Args:
        mask: any shape; what lies beyond it is outside.

    Returns:
        Every voxel outside the mask from which no path over voxel faces leads out of the array without crossing it.
    """
    # Without a voxel of air around, fill_voids takes some of what is open at the border for closed.
    padded = np.zeros([n + 2 for n in mask.shape], dtype=np.uint8)
    inside = (slice(1, -1),) * 3
    padded[inside] = mask
    # It wants the first axis to be the fastest in memory and rearranges what is not.
    filled: np.ndarray = fill_voids.fill(padded.T, in_place=True).T
    closed_in: np.ndarray = filled[inside].view(np.bool_) & ~mask
    return closed_in


def up_to_size(cavities: Mask, *, voxels: float) -> Mask:
    """Those cavities that are not too large.

    Args:
        cavities: voxels that touch at a face are of one cavity.
        voxels: the most that one may have.

    Returns:
        A new mask.
    """
    small: np.ndarray = np.zeros_like(cavities)
    for everything in find_objects(cavities.view(np.uint8)):  # most of the array is no cavity
        numbers = cc3d.connected_components(cavities[everything], connectivity=6)
        wanted = np.bincount(numbers.ravel()) <= voxels
        wanted[0] = False
        small[everything] = wanted[numbers]
    return small
