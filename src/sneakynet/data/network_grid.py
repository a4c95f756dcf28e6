"""A scan on the grid that networks read: RAS+ axes, the network's spacing."""

from sneakynet.geometry.resample import grid_for, resample
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

# Spacings nearer than this share of a voxel are taken as equal: headers round them.
_EQUAL = 1e-3


def on_network_grid(scan: Volume, *, spacing: tuple[float, float, float]) -> Volume:
    """Reorder a scan's axes to RAS+ and bring it to a spacing, along its own axes (an oblique scan stays oblique).

    Args:
        scan: Hounsfield units, any orientation and spacing.
        spacing: mm per voxel step towards right, anterior, superior.

    Returns:
        The scan itself, reordered, where its spacing is that already; else averaged or interpolated onto a new grid
        that covers it.
    """
    aligned = canonical(scan)
    if all(abs(have - want) <= _EQUAL * want for have, want in zip(aligned.spacing, spacing, strict=True)):
        return aligned
    shape, affine = grid_for(aligned.shape, aligned.affine, spacing=spacing)
    voxels = resample(
        aligned.voxels, aligned.affine, to_shape=shape, to_affine=affine, order=1, fill=None, antialias=True
    )
    return Volume(voxels, affine)
