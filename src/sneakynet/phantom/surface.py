"""A closed triangle surface, and the cleaning that makes one of a raw mesh."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPlane, vtkPlaneCollection, vtkPolyData
from vtkmodules.vtkFiltersCore import (
    vtkCleanPolyData,
    vtkDecimatePro,
    vtkFlyingEdges3D,
    vtkPolyDataNormals,
    vtkTriangleFilter,
    vtkWindowedSincPolyDataFilter,
)
from vtkmodules.vtkFiltersGeneral import vtkClipClosedSurface
from vtkmodules.vtkFiltersModeling import vtkFillHolesFilter, vtkLoopSubdivisionFilter
from vtkmodules.vtkImagingStencil import vtkImageStencilToImage, vtkPolyDataToImageStencil

_MERGE = 1e-3  # mm; the source writes shared corners once per triangle
_REMESH = 1.5  # mm
_ANY_HOLE = 1e6  # mm; no hole is left open


@dataclass(frozen=True, eq=False)
class Surface:
    """Vertices in mm and triangles that index them."""

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]

    def moved(self, vertices: Float[np.ndarray, "vertex 3"]) -> "Surface":
        """The same triangles over other vertex positions."""
        return Surface(vertices, self.faces)

    @property
    def n_open_edges(self) -> int:
        """Edges that do not lie between an even number of triangles: 0 for a watertight surface."""
        return int((_edge_counts(self.faces) % 2).sum())

    @property
    def two_per_edge(self) -> bool:
        """Whether every edge lies between just two triangles: watertight, and no four triangles meet in an edge."""
        return bool((_edge_counts(self.faces) == 2).all())

    @property
    def volume(self) -> float:
        """Enclosed volume in mm^3 (divergence theorem; meaningful for a watertight surface)."""
        return abs(self.signed_volume)

    @property
    def outward(self) -> "Surface":
        """The same surface with its triangles counterclockwise as seen from outside."""
        return self if self.signed_volume >= 0 else Surface(self.vertices, self.faces[:, ::-1])

    @property
    def signed_volume(self) -> float:
        """Enclosed volume in mm^3, negative where the triangles face inwards."""
        a, b, c = (self.vertices[self.faces[:, k]] - self.vertices.mean(0) for k in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6


def _edge_counts(faces: Int[np.ndarray, "face 3"]) -> Int[np.ndarray, " edge"]:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    # One whole number per edge: sorting rows takes five times as long.
    keys = edges.min(1) * (int(faces.max(initial=0)) + 1) + edges.max(1)
    counts: np.ndarray = np.unique(keys, return_counts=True)[1]
    return counts


def merged(surface: Surface) -> Surface:
    """Corners that coincide become one vertex; triangles that collapse are dropped."""
    keys = _cell_keys(surface.vertices + _MERGE / 2, _MERGE)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    faces = inverse[surface.faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return Surface(surface.vertices[first], faces[proper])


def components(surface: Surface) -> list[Surface]:
    """The connected pieces of a surface whose corners are merged."""
    faces, n = surface.faces, len(surface.vertices)
    rows, columns = np.concatenate([faces[:, 0], faces[:, 1]]), np.concatenate([faces[:, 1], faces[:, 2]])
    count, label = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (n, n)), directed=False)
    pieces = []
    for piece in range(count):
        own = faces[label[faces[:, 0]] == piece]
        if len(own):
            used, index = np.unique(own, return_inverse=True)
            pieces.append(Surface(surface.vertices[used], index.reshape(own.shape)))
    return pieces


def largest(surface: Surface) -> Surface:
    """The piece with most triangles: a few meshes of the source carry crumbs beside the bone."""
    return max(components(surface), key=lambda piece: len(piece.faces))


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Several closed surfaces, apart from each other, as one."""
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces[:-1])])
    faces = [surface.faces + start for surface, start in zip(surfaces, starts, strict=True)]
    return Surface(np.concatenate([surface.vertices for surface in surfaces]), np.concatenate(faces))


def thinned(surface: Surface, *, faces: int) -> Surface:
    """A surface of about so many triangles; it stays closed, and its shape within a fraction of a millimetre.

    Every later step (posing, warping, voxelising) costs time per triangle, and the source holds up to 130 000 in a
    bone that 3 mm voxels will show.
    """
    if len(surface.faces) <= faces:
        return surface
    decimate = vtkDecimatePro()
    decimate.SetInputData(to_vtk(surface))
    decimate.SetTargetReduction(1 - faces / len(surface.faces))
    decimate.PreserveTopologyOn()
    decimate.BoundaryVertexDeletionOff()
    decimate.SplittingOff()
    decimate.Update()
    return from_vtk(decimate.GetOutput())


def clustered(surface: Surface, *, cell: float) -> Surface:
    """Corners within one cell (mm) of a lattice become one: ten times faster than ``thinned``, and coarser.

    A closed surface stays closed: triangles that collapse take their edges away in pairs.
    """
    _, cluster = np.unique(_cell_keys(surface.vertices, cell), return_inverse=True)
    count = np.bincount(cluster)
    sums = [np.bincount(cluster, surface.vertices[:, k]) / count for k in range(3)]
    faces = cluster[surface.faces]
    proper = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return Surface(np.stack(sums, axis=1), faces[proper])


def _cell_keys(vertices: Float[np.ndarray, "vertex 3"], cell: float) -> Int[np.ndarray, " vertex"]:
    cells = np.floor((vertices - vertices.min(0)) / cell).astype(np.int64)
    n = cells.max(0) + 1
    keys: np.ndarray = (cells[:, 0] * n[1] + cells[:, 1]) * n[2] + cells[:, 2]
    return keys


def subdivided(surface: Surface) -> Surface:
    """Four triangles for each, on a smoother surface (Loop): for meshes whose facets would show in a scan.

    It rounds corners off and so loses up to a sixth of a thin bone's volume; see ``grown``.
    """
    loop = vtkLoopSubdivisionFilter()
    loop.SetInputData(to_vtk(surface))
    loop.SetNumberOfSubdivisions(1)
    loop.Update()
    return from_vtk(loop.GetOutput())


def grown(surface: Surface, mm: float) -> Surface:
    """The surface moved outwards along its normals (inwards where ``mm`` is negative)."""
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    per_face = np.cross(b - a, c - a)
    outwards = np.sign(np.einsum("ij,ij->i", a - surface.vertices.mean(0), per_face).sum())
    normals = np.zeros_like(surface.vertices)
    for k in range(3):
        np.add.at(normals, surface.faces[:, k], per_face)
    length = np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return surface.moved(surface.vertices + outwards * mm * normals / length)


def mirrored(surface: Surface, *, x: float) -> Surface:
    """The mirror image in the plane at ``x``; triangles are turned so that outside stays outside."""
    return Surface(np.array([2 * x, 0, 0]) + surface.vertices * np.array([-1.0, 1, 1]), surface.faces[:, ::-1].copy())


def closed(surface: Surface) -> Surface:
    """The surface with every hole filled by a flat patch of triangles."""
    clean = vtkCleanPolyData()
    clean.SetInputData(to_vtk(surface))
    clean.ToleranceIsAbsoluteOn()
    clean.SetAbsoluteTolerance(_MERGE)
    holes = vtkFillHolesFilter()
    holes.SetInputConnection(clean.GetOutputPort())
    holes.SetHoleSize(_ANY_HOLE)
    triangles = vtkTriangleFilter()
    triangles.SetInputConnection(holes.GetOutputPort())
    triangles.PassLinesOff()
    triangles.PassVertsOff()
    # Patches may wind against their neighbours: without this the enclosed volume is wrong.
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(triangles.GetOutputPort())
    normals.ConsistencyOn()
    normals.SplittingOff()
    normals.Update()
    return from_vtk(normals.GetOutput())


def watertight(surface: Surface) -> Surface:
    """A closed surface: holes filled, and where the mesh's own faults (an edge between three triangles) remain,
    remade from its voxels.
    """
    filled = closed(surface)
    return filled if filled.n_open_edges == 0 else _remeshed(filled)


def _remeshed(surface: Surface) -> Surface:
    image = voxelised(surface, spacing=_REMESH)
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(edges.GetOutputPort())
    smooth.SetNumberOfIterations(15)
    smooth.SetPassBand(0.05)
    smooth.BoundarySmoothingOff()
    smooth.Update()
    return from_vtk(smooth.GetOutput())


def voxelised(
    surface: Surface,
    *,
    spacing: float,
    origin: Float[np.ndarray, " 3"] | None = None,
    shape: Sequence[int] | None = None,
) -> vtkImageData:
    """0/1 image of what the surface encloses, sampled at voxel centres.

    Args:
        surface: closed surface, mm.
        spacing: mm per voxel.
        origin: centre of the first voxel; by default two voxels below the surface.
        shape: voxels per axis; by default as many as enclose the surface with two voxels to spare.
    """
    start = surface.vertices.min(0) - 2 * spacing if origin is None else origin
    size = np.ceil((surface.vertices.max(0) - start) / spacing).astype(int) + 3 if shape is None else shape
    stencil = vtkPolyDataToImageStencil()
    stencil.SetInputData(to_vtk(surface))
    stencil.SetOutputOrigin(*start)
    stencil.SetOutputSpacing(spacing, spacing, spacing)
    stencil.SetOutputWholeExtent(0, int(size[0]) - 1, 0, int(size[1]) - 1, 0, int(size[2]) - 1)
    image = vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetInsideValue(1)
    image.SetOutsideValue(0)
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    output: vtkImageData = image.GetOutput()
    return output


def clipped(surface: Surface, *, point: Float[np.ndarray, " 3"], normal: Float[np.ndarray, " 3"]) -> Surface:
    """The part of a closed surface on the side the normal points to, capped where the plane cuts it."""
    plane = vtkPlane()
    plane.SetOrigin(*point)
    plane.SetNormal(*normal)
    planes = vtkPlaneCollection()
    planes.AddItem(plane)
    clip = vtkClipClosedSurface()
    clip.SetInputData(to_vtk(surface))
    clip.SetClippingPlanes(planes)
    clip.Update()
    return merged(from_vtk(clip.GetOutput()))


def to_vtk(surface: Surface) -> vtkPolyData:
    """The surface as VTK poly data (copies)."""
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(surface.vertices), deep=True))
    cells = vtkCellArray()
    connectivity = np.ascontiguousarray(surface.faces, dtype=np.int64).ravel()
    cells.SetData(3, numpy_to_vtkIdTypeArray(connectivity, deep=True))
    poly_data = vtkPolyData()
    poly_data.SetPoints(points)
    poly_data.SetPolys(cells)
    return poly_data


def from_vtk(poly_data: vtkPolyData) -> Surface:
    """Triangles of VTK poly data as a surface."""
    vertices = vtk_to_numpy(poly_data.GetPoints().GetData()).astype(np.float64)
    faces = vtk_to_numpy(poly_data.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
    return Surface(vertices, faces)
