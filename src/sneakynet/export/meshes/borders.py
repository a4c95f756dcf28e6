"""The faces between voxels of unlike labels, for all bones of a label map at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkSMPTools
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkFiltersCore import vtkSurfaceNets3D

from sneakynet.types import LabelArray


@dataclass(frozen=True, eq=False)
class Borders:
    """Quads between voxels of unlike labels; where two bones touch, they share them.

    Args:
        points: where 8 voxels meet, as voxel indices (all end in .5: a whole number is the centre of a voxel).
        quads: four points each, counterclockwise as seen from the side of the second label.
        sides: the two labels that each quad parts, the first never 0.
    """

    points: Float[np.ndarray, "point 3"]
    quads: Int[np.ndarray, "quad 4"]
    sides: Integer[np.ndarray, "quad 2"]


def find_borders(labels: LabelArray) -> Borders:
    """All faces that part unlike labels; outside of the volume is background, which closes what its faces cut.

    Args:
        labels: 0 is background; uint8 or uint16.

    Returns:
        The borders; none for a map without labels.
    """
    # Laid out as VTK wants it, i fastest.
    framed = np.zeros([n + 2 for n in labels.shape[::-1]], dtype=labels.dtype)
    framed[1:-1, 1:-1, 1:-1] = labels.transpose(2, 1, 0)
    image = vtkImageData()
    image.SetDimensions(*framed.shape[::-1])
    image.SetOrigin(-1.0, -1.0, -1.0)
    image.GetPointData().SetScalars(numpy_to_vtk(framed.ravel()))
    vtkSMPTools.SetBackend("STDThread")  # the wheels' own choice is one thread
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    for n, label in enumerate(np.unique(labels[labels > 0])):
        nets.SetValue(n, float(label))
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToQuads()
    nets.Update()
    output = nets.GetOutput()
    if output.GetNumberOfCells() == 0:
        return Borders(np.zeros((0, 3)), np.zeros((0, 4), np.int64), np.zeros((0, 2), labels.dtype))
    points, quads = _merged(
        vtk_to_numpy(output.GetPoints().GetData()),
        vtk_to_numpy(output.GetPolys().GetConnectivityArray()).reshape(-1, 4),
        size=framed.shape[::-1],
    )
    return Borders(points, quads, vtk_to_numpy(output.GetCellData().GetScalars()).astype(labels.dtype))


def _merged(
    points: Float[np.ndarray, "point 3"], quads: Int[np.ndarray, "quad 4"], *, size: tuple[int, ...]
) -> tuple[Float[np.ndarray, "merged 3"], Int[np.ndarray, "quad 4"]]:
    """One point per place: where a label meets itself along an edge, VTK gives some twice and leaves a slit."""
    i, j, k = (np.rint(points[:, axis] + 0.5).astype(np.int64) for axis in range(3))
    keys, index = np.unique((i * size[1] + j) * size[2] + k, return_inverse=True)
    corner = np.stack(np.unravel_index(keys, size), axis=1)
    return corner - 0.5, index[quads]
