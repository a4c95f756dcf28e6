"""Solids as signed distances: negative inside, mm, good enough near the surface to blend and to contour.

Shapes that no mesh of the source holds are put together from these few, then contoured into a ``Surface``.
"""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import distance_transform_edt, gaussian_filter
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D

from sneakynet.phantom.surface import Surface, from_vtk, voxelised

Points = tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."], Float[np.ndarray, "..."]]
"""Coordinates x, y, z of the places asked about; they broadcast against each other."""

Point = tuple[float, float, float]


def bar(points: Points, start: Point, end: Point, *, radius: float, across: Point, radius_across: float) -> np.ndarray:
    """A rounded bar of elliptic section.

    Args:
        points: where to ask.
        start: one end of the axis.
        end: the other end.
        radius: half its thickness.
        across: direction in which ``radius_across`` holds instead; the part along the axis is taken out.
        radius_across: half its thickness in that direction.
    """
    axis = np.subtract(end, start)
    length = float(np.linalg.norm(axis)) or 1e-6
    axis = axis / length
    side = np.array(across) - np.dot(across, axis) * axis
    side /= np.linalg.norm(side)
    dx, dy, dz = (p - c for p, c in zip(points, start, strict=True))
    along = dx * float(axis[0]) + dy * float(axis[1]) + dz * float(axis[2])
    wide = dx * float(side[0]) + dy * float(side[1]) + dz * float(side[2])
    beyond = along - np.clip(along, 0, length)
    thin = dx * dx + dy * dy + dz * dz - along * along - wide * wide + beyond * beyond
    reach = np.sqrt(np.maximum(thin, 0) / radius**2 + wide * wide / radius_across**2)
    distance: np.ndarray = (reach - 1) * min(radius, radius_across)
    return distance


def ellipsoid(points: Points, centre: Point, radii: Point, axes: np.ndarray | None = None) -> np.ndarray:
    """An ellipsoid; the columns of ``axes`` are the directions of its radii (by default x, y, z)."""
    dx, dy, dz = (p - c for p, c in zip(points, centre, strict=True))
    directions = np.eye(3) if axes is None else axes.T
    shares = [(dx * float(a) + dy * float(b) + dz * float(c)) ** 2 for a, b, c in directions]
    reach = np.sqrt(shares[0] / radii[0] ** 2 + shares[1] / radii[1] ** 2 + shares[2] / radii[2] ** 2)
    distance: np.ndarray = (reach - 1) * min(radii)
    return distance


def united(*solids: np.ndarray, blend: float) -> np.ndarray:
    """The union, with a fillet about ``blend`` mm wide where two solids meet (polynomial smooth minimum)."""
    result = solids[0]
    for other in solids[1:]:
        near = np.maximum(blend - np.abs(result - other), 0)
        result = np.minimum(result, other) - near * near / (4 * blend)
    return result


def without(solid: np.ndarray, hole: np.ndarray, *, blend: float) -> np.ndarray:
    """The solid less the hole, its rim rounded."""
    return -united(-solid, hole, blend=blend)


def lattice(low: Point, high: Point, *, spacing: float, half: bool = False) -> tuple[Points, np.ndarray]:
    """Points of a grid that covers a box with two steps to spare, to broadcast over x, y, z, and its first corner.

    Args:
        low: lower corner of the box.
        high: upper corner.
        spacing: mm per step.
        half: the grid starts at x = 0, where a symmetric solid is mirrored.
    """
    start = np.floor(np.array(low) / spacing - 2) * spacing
    if half:
        start[0] = 0
    steps = np.ceil((np.array(high) - start) / spacing).astype(int) + 3
    x, y, z = (s + spacing * np.arange(n, dtype=np.float32) for s, n in zip(start, steps, strict=True))
    return (x[:, None, None], y[None, :, None], z[None, None, :]), start


def contoured(
    field: Float[np.ndarray, "x y z"], *, origin: Float[np.ndarray, " 3"], spacing: float, half: bool = False
) -> Surface:
    """The closed surface on which the field is zero (inside is negative).

    Args:
        field: signed distance on a grid; a solid that reaches its rim is cut off there.
        origin: mm of the first value.
        spacing: mm per step.
        half: the field starts at x = 0 and its mirror image is to be joined to it there.
    """
    if half:
        field = np.concatenate([field[:0:-1], field])
        origin = np.array([-spacing * (len(field) // 2), origin[1], origin[2]])
    # A rim outside of everything closes what the grid cuts.
    field = np.pad(field, 1, constant_values=spacing)
    origin = origin - spacing
    image = vtkImageData()
    image.SetDimensions(*field.shape)
    image.SetSpacing(spacing, spacing, spacing)
    image.SetOrigin(*origin)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(field.astype(np.float32).ravel(order="F"))))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.0)
    edges.ComputeNormalsOff()
    edges.Update()
    return from_vtk(edges.GetOutput())


def distance_of(surface: Surface, *, spacing: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """A closed surface as a signed distance on a grid (from its voxels, slightly smoothed), and the first corner.

    Args:
        surface: closed, mm.
        spacing: mm per step.
        margin: mm of grid around it.
    """
    origin = surface.vertices.min(0) - margin
    i, j, k = (int(n) for n in np.ceil((surface.vertices.max(0) + margin - origin) / spacing))
    return distance_on(surface, origin=origin, shape=(i, j, k), spacing=spacing), origin


def distance_on(
    surface: Surface, *, origin: Float[np.ndarray, " 3"], shape: tuple[int, int, int], spacing: float
) -> np.ndarray:
    """A closed surface as a signed distance on a given grid; see ``distance_of``."""
    image = voxelised(surface, spacing=spacing, origin=origin, shape=shape)
    inside = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(shape[::-1]).transpose(2, 1, 0) > 0
    distance = distance_transform_edt(~inside) - distance_transform_edt(inside)
    smooth: np.ndarray = gaussian_filter(distance.astype(np.float32), 0.8) * spacing
    return smooth
