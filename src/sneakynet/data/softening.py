"""Intensities as a less sharp scanner would give them: blurred, or averaged over thicker slices."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv3d, interpolate, pad

# Cells of a context are so wide that what blurs the target hardly changes them: below these nothing is done.
_LEAST_BLUR, _LEAST_THICKNESS = 0.3, 1.2


def softened(image: Float[Tensor, "i j k"], *, blur: float, coarse: Sequence[float]) -> Float[Tensor, "i j k"]:
    """Blur an image, then average it over thicker slices and interpolate back.

    Args:
        image: any intensities.
        blur: standard deviation of a Gaussian, voxels; below 0.3 nothing is blurred.
        coarse: voxels averaged into one along i, j, k; below 1.2 the axis is left alone.

    Returns:
        The image itself where nothing was to be done.
    """
    if blur >= _LEAST_BLUR:
        image = _blurred(image, blur)
    if any(edge >= _LEAST_THICKNESS for edge in coarse):
        size = [
            max(1, round(length / edge)) if edge >= _LEAST_THICKNESS else length
            for length, edge in zip(image.shape, coarse, strict=True)
        ]
        slices = interpolate(image[None, None], size=size, mode="area")
        image = interpolate(slices, size=image.shape, mode="trilinear", align_corners=False)[0, 0]
    return image


def _blurred(image: Float[Tensor, "i j k"], deviation: float) -> Float[Tensor, "i j k"]:
    """Axis by axis; beyond the image its edge values are repeated."""
    reach = math.ceil(3 * deviation)
    at = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (at / deviation) ** 2)
    kernel /= kernel.sum()
    for axis in range(3):
        shape, widths = [1] * 5, [0] * 6
        shape[2 + axis] = len(at)
        widths[4 - 2 * axis] = widths[5 - 2 * axis] = reach
        image = conv3d(pad(image[None, None], widths, mode="replicate"), kernel.reshape(shape))[0, 0]
    return image
