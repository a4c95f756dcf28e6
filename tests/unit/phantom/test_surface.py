import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.phantom.surface import Surface, clipped, components, merged, voxelised, watertight

CORNERS = np.array([[x, y, z] for x in (0, 10.0) for y in (0, 10.0) for z in (0, 10.0)])
FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
)
CUBE = Surface(CORNERS, FACES)


def test_a_cube_is_closed_and_holds_its_volume():
    assert CUBE.n_open_edges == 0
    assert CUBE.volume == pytest.approx(1000)


def test_a_hole_is_closed():
    open_cube = Surface(CORNERS, FACES[2:])
    assert open_cube.n_open_edges == 4
    mended = watertight(open_cube)
    assert mended.n_open_edges == 0
    assert mended.volume == pytest.approx(1000)


def test_corners_written_once_per_triangle_are_merged():
    soup = Surface(CORNERS[FACES].reshape(-1, 3), np.arange(36).reshape(-1, 3))
    assert soup.n_open_edges == 36
    assert merged(soup).n_open_edges == 0


def test_components_are_found():
    two = Surface(np.concatenate([CORNERS, CORNERS + 50]), np.concatenate([FACES, FACES + 8]))
    pieces = components(two)
    assert [piece.volume for piece in pieces] == pytest.approx([1000, 1000])


def test_a_clipped_surface_is_capped():
    half = clipped(CUBE, point=np.array([4.0, 0, 0]), normal=np.array([1.0, 0, 0]))
    assert half.n_open_edges == 0
    assert half.volume == pytest.approx(600)


def test_voxels_are_sampled_at_their_centres():
    image = voxelised(CUBE, spacing=2.0, origin=np.array([-3.0, -3.0, -3.0]), shape=(8, 8, 8))
    voxels = vtk_to_numpy(image.GetPointData().GetScalars())
    assert voxels.sum() == 5**3
