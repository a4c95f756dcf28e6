"""Voxels that count nowhere: their bone has no class, or nothing is known about them."""

from typing import Any

import numpy as np

IGNORE = "ignore"
"""Name of their label in files, as in nnU-Net; there it is the highest, next to the last class."""


def ignored(dtype: np.dtype[Any]) -> int:
    """Their label in arrays: the highest that the labels' type holds."""
    return int(np.iinfo(dtype).max)
