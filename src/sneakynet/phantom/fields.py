"""Smooth scalar fields on a grid, from which soft tissue is made: noise, hull distances, capsule distances.

Shapes are smooth and small in a scan of millions of voxels: noise and hulls are computed on a coarse lattice and
interpolated, and a distance is computed only near its shape. Distances are in mm, negative inside.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import ConvexHull

from sneakynet.phantom.bone_voxels import Grid

_LATTICE_MM = 12.0
_HULL_POINTS = 3000  # more do not change a convex hull of bones visibly


def _interpolated(lattice: np.ndarray, shape: tuple[int, int, int]) -> Float[np.ndarray, "i j k"]:
    tensor = torch.from_numpy(np.ascontiguousarray(lattice, dtype=np.float32))[None, None]
    return torch.nn.functional.interpolate(tensor, shape, mode="trilinear", align_corners=True)[0, 0].numpy()


def smooth_noise(rng: np.random.Generator, grid: Grid, *, scale: float) -> Float[np.ndarray, "i j k"]:
    """Gaussian noise of about unit deviation that varies over ``scale`` mm."""
    size = [max(2, int(np.ceil(n * grid.spacing / scale)) + 1) for n in grid.shape]
    # Trilinear interpolation averages neighbouring nodes; 1.6 restores the deviation.
    return _interpolated(rng.standard_normal(size) * 1.6, grid.shape)


Box = tuple[slice, slice, slice]
REACH = 70.0
"""Mm around a shape within which its distance is computed."""


@dataclass(frozen=True, eq=False)
class Distance:
    """Distance to a shape within a box of the grid; beyond the box lies nothing of the shape.

    Args:
        box: where it is known.
        values: mm, negative inside the shape.
    """

    box: Box
    values: Float[np.ndarray, "i j k"]

    def everywhere(self, grid: Grid) -> Float[np.ndarray, "i j k"]:
        """The distance on the whole grid; ``REACH`` where it is not known (a lower bound)."""
        full = np.full(grid.shape, REACH, np.float32)
        full[self.box] = self.values
        return full

    def inside(self, grid: Grid) -> Float[np.ndarray, "i j k"]:
        """Share of each voxel of the box that the shape fills."""
        return inside(self.values, grid)


def _box(low: np.ndarray, high: np.ndarray, grid: Grid) -> Box:
    first = np.floor((low - np.array(grid.origin)) / grid.spacing).astype(int)
    last = np.ceil((high - np.array(grid.origin)) / grid.spacing).astype(int) + 1
    i, j, k = (
        slice(int(a), int(max(a, b)))
        for a, b in zip(np.clip(first, 0, grid.shape), np.clip(last, 0, grid.shape), strict=True)
    )
    return i, j, k


def hull_distance(points: Float[np.ndarray, "point 3"], grid: Grid, *, reach: float = REACH) -> Distance:
    """Distance to the convex hull of points: exact inside, a lower bound outside."""
    box = _box(points.min(0) - reach, points.max(0) + reach, grid)
    shape = tuple(s.stop - s.start for s in box)
    if 0 in shape:
        return Distance(box, np.empty(shape, np.float32))
    hull = ConvexHull(points[:: max(1, len(points) // _HULL_POINTS)])
    planes = np.unique(np.round(hull.equations, 2), axis=0)
    sizes = [max(2, int(np.ceil((n - 1) * grid.spacing / _LATTICE_MM)) + 1) for n in shape]
    x, y, z = (
        o + grid.spacing * np.linspace(s.start, s.stop - 1, n) for o, s, n in zip(grid.origin, box, sizes, strict=True)
    )
    distance = np.full(sizes, -np.inf)
    for a, b, c, d in planes:
        np.maximum(distance, a * x[:, None, None] + b * y[:, None] + c * z + d, out=distance)
    return Distance(box, _interpolated(distance, (shape[0], shape[1], shape[2])))


def capsule_distance(
    start: Float[np.ndarray, " 3"], end: Float[np.ndarray, " 3"], radii: tuple[float, float], grid: Grid
) -> Distance:
    """Distance to a rod whose radius runs from the first to the second value."""
    margin = max(radii) + REACH
    box = _box(np.minimum(start, end) - margin, np.maximum(start, end) + margin, grid)
    axis = (end - start).astype(np.float32)
    dx, dy, dz = (c - np.float32(m) for c, m in zip(_axes(box, grid), start, strict=True))
    along = np.clip((dx * axis[0] + dy * axis[1] + dz * axis[2]) / max(float(axis @ axis), 1e-6), 0, 1)
    squared = (dx - along * axis[0]) ** 2 + (dy - along * axis[1]) ** 2 + (dz - along * axis[2]) ** 2
    return Distance(box, np.sqrt(squared) - (radii[0] + along * (radii[1] - radii[0])))


def ellipsoid_distance(centre: Float[np.ndarray, " 3"], radii: tuple[float, float, float], grid: Grid) -> Distance:
    """Approximate distance to an axis-aligned ellipsoid."""
    box = _box(centre - np.array(radii) - REACH / 2, centre + np.array(radii) + REACH / 2, grid)
    x, y, z = ((c - np.float32(m)) / np.float32(r) for c, m, r in zip(_axes(box, grid), centre, radii, strict=True))
    return Distance(box, (np.sqrt(x**2 + y**2 + z**2) - 1) * np.float32(min(radii)))


def inside(distance: Float[np.ndarray, "i j k"], grid: Grid) -> Float[np.ndarray, "i j k"]:
    """Share of each voxel on the inner side of a distance field's zero: partial volume of soft borders."""
    return np.clip(0.5 - distance / np.float32(grid.spacing), 0, 1)


def _axes(box: Box, grid: Grid) -> list[np.ndarray]:
    return [
        axis.astype(np.float32)[tuple(s if axis.shape[d] > 1 else slice(None) for d, s in enumerate(box))]
        for axis in grid.axes()
    ]
