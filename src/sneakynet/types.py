"""Axis names and array aliases: the only place where axes are named.

``i j k`` are the voxel axes of a canonical (RAS+) volume: i grows to the patient's right, j to anterior, k to
superior. ``batch`` and ``channel`` are the usual network axes.
"""

import numpy as np
from jaxtyping import Float, Integer, UInt8
from torch import Tensor

Affine = Float[np.ndarray, "4 4"]
"""Voxel index -> world mm (RAS+)."""

ScanArray = Float[np.ndarray, "i j k"] | Integer[np.ndarray, "i j k"]
"""Voxels of one scan."""

LabelArray = Integer[np.ndarray, "i j k"]
"""One label per voxel; 0 is background."""

LabelPlanes = Integer[np.ndarray, "plane row column"]
"""The same, as DICOM has it: image after image."""

Patch = Float[Tensor, "batch 1 i j k"]
"""Normalised intensities, as a network reads them."""

Inputs = Float[Tensor, "_ 1 _ _ _"]
"""The same of any number and size, where others stand beside it."""

Features = Float[Tensor, "batch channel i j k"]
"""A feature map."""

Logits = Float[Tensor, "batch class i j k"]
"""Unnormalised class scores; class 0 is background."""

LabelPatch = Integer[Tensor, "batch i j k"] | UInt8[Tensor, "batch i j k"]
"""Labels of a patch."""
