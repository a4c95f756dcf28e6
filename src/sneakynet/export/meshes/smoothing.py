"""Borders without the voxels' stairs."""

import numpy as np
from jaxtyping import Float
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkWindowedSincPolyDataFilter

from sneakynet.export.meshes.borders import Borders

_ITERATIONS = 20
_REACH = 0.5  # voxel steps along each axis: a surface stays between the centres of the voxels that it parts


def smoothed(borders: Borders, *, spacing: tuple[float, float, float], smooth: float) -> Float[np.ndarray, "point 3"]:
    """Points of the borders, moved together: bones that touch still share them.

    A low-pass filter (windowed sinc), because averaging with the neighbours, as SurfaceNets itself does it, takes a
    tenth of a phalanx away.

    Args:
        borders: from `find_borders`.
        spacing: mm per voxel step.
        smooth: 0 leaves the stairs, 1 rounds most.

    Returns:
        The points in voxel steps times ``spacing``, mm; none has moved by more than half a voxel along any axis.
    """
    step = np.array(spacing)
    start: np.ndarray = borders.points * step
    if smooth == 0 or not len(borders.quads):
        return start
    points, cells, poly_data = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(start.astype(np.float32), deep=True))
    cells.SetData(4, numpy_to_vtkIdTypeArray(borders.quads.astype(np.int64).ravel(), deep=True))
    poly_data.SetPoints(points)
    poly_data.SetPolys(cells)
    sinc = vtkWindowedSincPolyDataFilter()
    sinc.SetInputData(poly_data)
    sinc.SetNumberOfIterations(_ITERATIONS)
    sinc.SetPassBand(10 ** (-2 * smooth))
    sinc.FeatureEdgeSmoothingOff()
    sinc.BoundarySmoothingOff()
    sinc.NonManifoldSmoothingOn()  # where three labels meet
    sinc.NormalizeCoordinatesOn()
    sinc.Update()
    moved = vtk_to_numpy(sinc.GetOutput().GetPoints().GetData()) - start
    start += np.clip(moved, -_REACH * step, _REACH * step)
    return start
