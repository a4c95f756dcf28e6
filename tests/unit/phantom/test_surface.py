import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.phantom.surface import Surface, clipped, components, merged, voxelised, watertight


@pytest.fixture
def cube(cuboid):
    return cuboid(10, 10, 10)


def test_a_cube_is_closed_and_holds_its_volume(cube):
    assert cube.n_open_edges == 0
    assert cube.volume == pytest.approx(1000)


def test_a_hole_is_closed(cube):
    open_cube = Surface(cube.vertices, cube.faces[2:])
    assert open_cube.n_open_edges == 4
    mended = watertight(open_cube)
    assert mended.n_open_edges == 0
    assert mended.volume == pytest.approx(1000)


def test_corners_written_once_per_triangle_are_merged(cube):
    soup = Surface(cube.vertices[cube.faces].reshape(-1, 3), np.arange(36).reshape(-1, 3))
    assert soup.n_open_edges == 36
    assert merged(soup).n_open_edges == 0


def test_components_are_found(cube):
    two = Surface(np.concatenate([cube.vertices, cube.vertices + 50]), np.concatenate([cube.faces, cube.faces + 8]))
    pieces = components(two)
    assert [piece.volume for piece in pieces] == pytest.approx([1000, 1000])


def test_a_clipped_surface_is_capped(cube):
    half = clipped(cube, point=np.array([4.0, 0, 0]), normal=np.array([1.0, 0, 0]))
    assert half.n_open_edges == 0
    assert half.volume == pytest.approx(600)


def test_voxels_are_sampled_at_their_centres(cube):
    image = voxelised(cube, spacing=2.0, origin=np.array([-3.0, -3.0, -3.0]), shape=(8, 8, 8))
    voxels = vtk_to_numpy(image.GetPointData().GetScalars())
    assert voxels.sum() == 5**3
