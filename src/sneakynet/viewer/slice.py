"""Slices of a volume as pictures, seen as radiologists look at them."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Integer

Plane = Literal["sagittal", "coronal", "axial"]

ACROSS: dict[Plane, int] = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Axis that a slice is taken across, in RAS+ order."""

# Shows lung and bone at once, soft tissue flat (a window of 1300 HU about 150).
_WINDOW_HU = (-500.0, 800.0)
_COVER = 0.55  # of a label over the scan


def busiest(mask: np.ndarray, plane: Plane) -> int:
    """Slice with the most of what is true or above 0; the middle one if nothing is.

    Args:
        mask: of a volume in RAS+ order.
        plane: of the slices.
    """
    axis = ACROSS[plane]
    counts = (mask > 0).sum(tuple({0, 1, 2} - {axis}))
    return int(counts.argmax()) if counts.any() else mask.shape[axis] // 2


def facing(array: np.ndarray, plane: Plane, at: int) -> np.ndarray:
    """A slice with rows upwards and columns to the picture's right: both horizontal axes of RAS+ run against it.

    Args:
        array: a volume in RAS+ order.
        plane: of the slice.
        at: index of the slice.
    """
    picture: np.ndarray = np.moveaxis(array, ACROSS[plane], 0)[at].T[:, ::-1]
    return picture


def windowed(
    hu: Float[np.ndarray, "row column"], *, window: tuple[float, float] = _WINDOW_HU
) -> Float[np.ndarray, "row column 3"]:
    """Grey from 0 to 1 between two HU; by default lung and bone show at once."""
    low, high = window
    grey = ((hu - low) / (high - low)).clip(0, 1)
    return np.repeat(grey[..., None], 3, axis=-1)


def covered(
    picture: Float[np.ndarray, "row column 3"],
    labels: Integer[np.ndarray, "row column"],
    lut: Float[np.ndarray, "id 3"],
    *,
    cover: float = _COVER,
) -> Float[np.ndarray, "row column 3"]:
    """A picture under its labels' colours.

    Args:
        picture: RGB from 0 to 1.
        labels: class ids on it; 0 covers nothing.
        lut: RGB by class id.
        cover: how much of the picture a label hides, 0 to 1.
    """
    hidden = cover * (labels > 0)[..., None]
    colored: Float[np.ndarray, "row column 3"] = picture * (1 - hidden) + hidden * lut[labels]
    return colored
