"""The inside of a bone: what lies deeper than a depth, behind the cortex and the voxels that it shares with others."""

import math

import numpy as np
from jaxtyping import Bool

from sneakynet.evaluation.measures.pieces import Piece

DEPTH_MM = 3.0
"""A scanner blurs by 1 to 2 mm, and the cortex of vertebrae, pelvis and ribs is thinner than 1.5 mm: 3 mm beneath the
surface neither is left. The shafts of long bones have thicker ones, which their density tells apart."""


def reach_of(spacing: tuple[float, float, float], depth: float = DEPTH_MM) -> tuple[int, int, int]:
    """Voxels along each axis that hold the depth, at least 1."""
    i, j, k = (max(1, math.ceil(depth / step - 1e-6)) for step in spacing)
    return i, j, k


def inside(piece: Piece, reach: tuple[int, int, int]) -> Bool[np.ndarray, "i j k"]:
    """The voxels of ``piece.own`` around which all is bone, as far as ``reach``, in a box along the voxels' axes.

    A face of the scan that cuts the bone counts as its surface.

    Args:
        piece: with a mask that goes at least as far beyond it.
        reach: voxels along each axis.
    """
    found = piece.mask[
        tuple(slice(along.start - far, along.stop + far) for along, far in zip(piece.own, reach, strict=True))
    ]
    for axis, far in enumerate(reach):
        found = _all_within(found, axis=axis, reach=far)
    return found


def _all_within(mask: np.ndarray, *, axis: int, reach: int) -> np.ndarray:
    """Whether a window of 2 reach + 1 is all true; shorter by 2 reach. Windows are doubled, not walked through."""
    width, window = 2 * reach + 1, 1
    rows = np.moveaxis(mask, axis, 0)
    while window < width:
        step = min(window, width - window)
        rows = rows[: len(rows) - step] & rows[step:]
        window += step
    return np.moveaxis(rows, 0, axis)
