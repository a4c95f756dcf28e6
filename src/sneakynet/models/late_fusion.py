"""Variant E's own step: the features behind the contexts' class scores, brought onto the target's voxels.

A head is linear and so is trilinear interpolation; hence scoring the interpolated features equals interpolating the
scores, and the many-class volume of a context need not exist at the target's resolution.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from sneakynet.models.crop_skip import centre_start, crop_margin


def upsampled_centre(
    features: Float[Tensor, "batch channel i j k"], *, kappa: int
) -> Float[Tensor, "batch channel i j k"]:
    """Interpolate the part of a context map that the target sees onto the target's voxels.

    Equal to interpolating the whole map by ``2**kappa`` and keeping its centre, at a fraction of the cost: the
    centre is cut out first, with one voxel around it for the interpolation to reach to.

    Args:
        features: level 0 map of a context at scale ``2**kappa``; edges are multiples of ``2**(kappa + 1)``.
        kappa: its scale is ``2**kappa``.

    Returns:
        Map with as many voxels, each the width of a target voxel.
    """
    starts = [centre_start(edge, kappa=kappa) for edge in features.shape[2:]]
    return upsampled(crop_margin(features, [start - 1 for start in starts]), kappa=kappa)


def upsampled(features: Float[Tensor, "batch channel i j k"], *, kappa: int) -> Float[Tensor, "batch channel i2 j2 k2"]:
    """Interpolate a part of a context map onto the target's voxels.

    Args:
        features: the part, with one voxel around it for the interpolation to reach to.
        kappa: the context's scale is ``2**kappa``.

    Returns:
        The part without the voxel around it, each of its voxels parted into ``2**kappa`` along every axis.
    """
    scale = 2**kappa
    fine = interpolate(features, scale_factor=scale, mode="trilinear", align_corners=False)
    # Autocast interpolates in float32 on CPU; the features beside it are bfloat16.
    return crop_margin(fine, [scale] * 3).to(features.dtype)
