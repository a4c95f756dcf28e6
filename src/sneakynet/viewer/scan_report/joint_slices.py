"""Slices through a joint: the scan, and the outlines of its bones."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer
from scipy import ndimage

from sneakynet.viewer.preview import PAPER, rgb
from sneakynet.viewer.scan_report.joints import Joint
from sneakynet.viewer.slice import ACROSS, Plane, covered, facing, windowed
from sneakynet.volumes.volume import Volume

_EDGE = 300  # pixels
_TINT = 0.14  # of a bone's colour over the scan, within its outline
_LINE = 2  # pixels
_WINDOW_HU = (-300.0, 1000.0)  # bone, with the soft tissue beside it told apart

_LETTERS: dict[Plane, tuple[str, str, str, str]] = {
    "coronal": ("R", "L", "H", "F"),
    "axial": ("R", "L", "A", "P"),
    "sagittal": ("A", "P", "H", "F"),
}


@dataclass(frozen=True, eq=False)
class JointSlice:
    """A square picture around a joint.

    Args:
        plane: of the slice.
        picture: RGB from 0 to 1, rows from the top.
        letters: sides of the patient on the picture's left, right, top, bottom.
        field_mm: edge of what it shows.
    """

    plane: Plane
    picture: Float[np.ndarray, "row column 3"]
    letters: tuple[str, str, str, str]
    field_mm: float


def joint_slices(
    joint: Joint, labels: Volume, scan: Volume | None, *, lut: Float[np.ndarray, "id 3"]
) -> tuple[JointSlice, ...]:
    """The planes of a joint.

    Args:
        joint: from `find_joints`.
        labels: in canonical order.
        scan: HU on the same grid, or None to show the labels alone.
        lut: RGB by label.
    """
    index = np.linalg.solve(labels.affine[:3, :3], joint.centre_mm - labels.affine[:3, 3])
    return tuple(_slice(plane, index, labels, scan, lut=lut, field=joint.kind.field_mm) for plane in joint.kind.planes)


def _slice(
    plane: Plane,
    index: np.ndarray,
    labels: Volume,
    scan: Volume | None,
    *,
    lut: Float[np.ndarray, "id 3"],
    field: float,
) -> JointSlice:
    axis = ACROSS[plane]
    across, up = (a for a in range(3) if a != axis)
    at = int(np.clip(round(float(index[axis])), 0, labels.shape[axis] - 1))
    # Picture coordinates: rows upwards, columns against the axis (see `facing`).
    column = labels.shape[across] - 1 - float(index[across])
    rows, columns = (
        np.linspace(-field / 2, field / 2, _EDGE) / labels.spacing[a] + centre
        for a, centre in ((up, float(index[up])), (across, column))
    )
    grid = np.meshgrid(rows[::-1], columns, indexing="ij")
    ids = _labels_at(facing(labels.voxels, plane, at), grid)
    if scan is None:
        ground = np.full((_EDGE, _EDGE, 3), rgb(PAPER), dtype=np.float32)
    else:
        hu = facing(scan.voxels, plane, at).astype(np.float32)
        ground = windowed(ndimage.map_coordinates(hu, grid, order=1, mode="constant", cval=-1024.0), window=_WINDOW_HU)
    shown = covered(ground, ids, lut, cover=_TINT if scan is not None else 0.6)
    edge = _edges(ids)
    shown[edge] = lut[ids[edge]]
    return JointSlice(plane, shown, _LETTERS[plane], field)


def _labels_at(
    labels: Integer[np.ndarray, "row column"], grid: tuple[np.ndarray, ...]
) -> Integer[np.ndarray, "fine_row fine_column"]:
    """Labels between voxels: of those around, the one with the most weight, which makes smooth outlines of stairs."""
    nearest = ndimage.map_coordinates(labels, grid, order=0, mode="constant", cval=0)
    best = np.full(nearest.shape, 0.5, dtype=np.float32)
    found = np.zeros_like(nearest)
    for label in np.unique(nearest[nearest > 0]):
        weight = ndimage.map_coordinates((labels == label).astype(np.float32), grid, order=1, mode="constant", cval=0)
        more = weight >= best
        found[more], best[more] = label, weight[more]
    return found


def _edges(ids: Integer[np.ndarray, "row column"]) -> np.ndarray:
    """Pixels of a bone beside another bone or none."""
    size = 2 * _LINE - 1
    low, high = ndimage.minimum_filter(ids, size), ndimage.maximum_filter(ids, size)
    edge: np.ndarray = (ids > 0) & (low != high)
    return edge
