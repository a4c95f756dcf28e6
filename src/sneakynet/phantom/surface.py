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
    vtkFlyingEdges3D,
    vtkPolyDataNormals,
    vtkTriangleFilter,
    vtkWindowedSincPolyDataFilter,
)
from vtkmodules.vtkFiltersGeneral import vtkClipClosedSurface
from vtkmodules.vtkFiltersModeling import vtkFillHolesFilter
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
    def volume(self) -> float:
        """Enclosed volume in mm^3 (divergence theorem; meaningful for a watertight surface)."""
        a, b, c = (self.vertices[self.faces[:, k]] - self.vertices.mean(0) for k in range(3))
        return abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())) / 6


def _edge_counts(faces: Int[np.ndarray, "face 3"]) -> Int[np.ndarray, " edge"]:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def merged(surface: Surface) -> Surface:
    """Corners that coincide become one vertex; triangles that collapse are dropped."""
    _, first, inverse = np.unique(np.round(surface.vertices / _MERGE), axis=0, return_index=True, return_inverse=True)
    faces = inverse.ravel()[surface.faces]
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
