"""Whether the voxels of two volumes lie on each other."""

import numpy as np

from sneakynet.errors import VolumeError
from sneakynet.volumes.volume import Volume

# Corners of two grids may lie this much apart, in voxels: headers hold 32-bit numbers.
_TOLERANCE = 0.05


def same_grid(one: Volume, other: Volume) -> bool:
    """Whether two volumes in canonical order share a grid, but for what headers round."""
    return one.shape == other.shape and _apart(one, other) <= _TOLERANCE * min(other.spacing)


def check_grids(
    one: Volume, other: Volume, *, case: str, remedy: str, names: tuple[str, str] = ("prediction", "reference")
) -> None:
    """Refuse volumes whose voxels do not lie on each other.

    Args:
        one: in canonical order.
        other: in canonical order.
        case: the case's name.
        remedy: what the user can do.
        names: what the message calls them.

    Raises:
        VolumeError: the grids differ.
    """
    if one.shape != other.shape:
        msg = (
            f"case {case}: the {names[0]} has {_shape(one)} voxels and the {names[1]} {_shape(other)} "
            f"(axes in RAS+ order); {remedy}"
        )
        raise VolumeError(msg)
    if not same_grid(one, other):
        msg = (
            f"case {case}: the grids of {names[0]} and {names[1]} lie up to {_apart(one, other):.3g} mm apart though "
            f"both have {_shape(other)} voxels (spacing {_mm(one.spacing)} and {_mm(other.spacing)}, origin "
            f"{_mm(one.affine[:3, 3])} and {_mm(other.affine[:3, 3])}); {remedy}"
        )
        raise VolumeError(msg)


def _apart(one: Volume, other: Volume) -> float:
    """How far the corners of two grids of one shape lie apart at most, mm."""
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (*other.shape, 1)
    return float(np.linalg.norm(corners @ (one.affine - other.affine).T, axis=1).max())


def _shape(volume: Volume) -> str:
    return " x ".join(map(str, volume.shape))


def _mm(numbers: tuple[float, float, float] | np.ndarray) -> str:
    return " x ".join(f"{n:.6g}" for n in numbers) + " mm"
