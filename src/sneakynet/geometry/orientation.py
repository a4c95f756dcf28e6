"""Which voxel axis points where in the patient, and how to put the axes in RAS+ order without interpolation."""

from itertools import permutations
from typing import NamedTuple

import numpy as np

from sneakynet.types import Affine


class Axes(NamedTuple):
    """How the axes of an array are reordered to lie nearest to wanted ones: right, anterior, superior, or another's.

    Args:
        permutation: ``permutation[a]`` is the array's axis that becomes axis ``a``.
        flips: whether axis ``a`` is reversed, after the permutation.
    """

    permutation: tuple[int, int, int]
    flips: tuple[bool, bool, bool]


def canonical_axes(affine: Affine) -> Axes:
    """Find the axis order and the flips that bring an array nearest to RAS+.

    Args:
        affine: voxel index -> world mm (RAS+), not singular.

    Returns:
        The axis order and the flips, for `reorient` and `reorient_affine`.
    """
    return matching_axes(affine, np.eye(4))


def matching_axes(affine: Affine, target: Affine) -> Axes:
    """Find the axis order and the flips that bring an array nearest to the axes of another.

    Of the six axis orders, the one whose directions agree best with the target's wins, so that each of its axes is
    served once, however oblique the array.

    Args:
        affine: voxel index -> world mm, not singular.
        target: the same of the array whose axes are wanted.

    Returns:
        The axis order and the flips, for `reorient` and `reorient_affine`.
    """
    own, wanted = (a[:3, :3] / np.linalg.norm(a[:3, :3], axis=0) for a in (affine, target))
    directions = wanted.T @ own
    # On a tie (exactly 45 degrees) the first order, the identity if it takes part, is kept.
    best = max(permutations(range(3)), key=lambda order: round(sum(abs(directions[w, order[w]]) for w in range(3)), 9))
    flips = [bool(directions[w, best[w]] < 0) for w in range(3)]
    return Axes(permutation=(best[0], best[1], best[2]), flips=(flips[0], flips[1], flips[2]))


def reorient(array: np.ndarray, axes: Axes) -> np.ndarray:
    """Permute and flip the three axes of an array.

    Args:
        array: 3D array.
        axes: from `canonical_axes` or `matching_axes`.

    Returns:
        A view of the array, no copy.
    """
    flip = tuple(slice(None, None, -1) if flipped else slice(None) for flipped in axes.flips)
    return array.transpose(axes.permutation)[flip]


def restore(array: np.ndarray, axes: Axes) -> np.ndarray:
    """Undo `reorient`.

    Args:
        array: 3D array that `reorient` gave, or one of the same shape.
        axes: the axes that `reorient` used.

    Returns:
        A view of the array, no copy.
    """
    flip = tuple(slice(None, None, -1) if flipped else slice(None) for flipped in axes.flips)
    return array[flip].transpose(np.argsort(axes.permutation))


def reorient_affine(affine: Affine, shape: tuple[int, int, int], axes: Axes) -> Affine:
    """The affine of the array that `reorient` gives: every voxel keeps its place in the world.

    Args:
        affine: voxel index -> world mm, of the array before.
        shape: of the array before.
        axes: as given to `reorient`.

    Returns:
        The affine after.
    """
    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1.0
    for new, old in enumerate(axes.permutation):
        to_old[old, new] = -1.0 if axes.flips[new] else 1.0
        to_old[old, 3] = shape[old] - 1.0 if axes.flips[new] else 0.0
    return np.asarray(affine, dtype=np.float64) @ to_old
