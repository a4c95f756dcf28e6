"""A volume with its axes in RAS+ order."""

from sneakynet.geometry.orientation import canonical_axes, reorient, reorient_affine
from sneakynet.volumes.volume import Volume


def canonical(volume: Volume) -> Volume:
    """Permute and flip the axes so that i, j, k point nearest to right, anterior, superior.

    No voxel changes its value or its place in the world; an oblique volume stays oblique.

    Args:
        volume: any orientation.

    Returns:
        A volume whose voxels are a view of the given ones.
    """
    axes = canonical_axes(volume.affine)
    return Volume(reorient(volume.voxels, axes), reorient_affine(volume.affine, volume.shape, axes))
