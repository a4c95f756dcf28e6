import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.phantom.implicit import contoured, ellipsoid, lattice
from sneakynet.phantom.surface import (
    Surface,
    clipped,
    clustered,
    components,
    grown,
    joined,
    largest,
    merged,
    mirrored,
    subdivided,
    thinned,
    voxelised,
    watertight,
)


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


@pytest.fixture
def ball():
    points, start = lattice((-12.0, -12.0, -12.0), (12.0, 12.0, 12.0), spacing=0.5)
    return contoured(ellipsoid(points, (0.0, 0.0, 0.0), (10.0, 10.0, 10.0)), origin=start, spacing=0.5)


def test_thinning_keeps_a_surface_closed_and_its_volume(ball):
    thin = thinned(ball, faces=1000)
    assert len(thin.faces) < 0.2 * len(ball.faces)
    assert thin.n_open_edges == 0
    assert thin.volume == pytest.approx(ball.volume, rel=0.02)
    assert thinned(ball, faces=10**6) is ball


def test_clustering_keeps_a_surface_closed_and_its_volume(ball):
    coarse = clustered(ball, cell=2.0)
    assert len(coarse.vertices) < 0.2 * len(ball.vertices)
    assert coarse.n_open_edges == 0
    assert coarse.volume == pytest.approx(ball.volume, rel=0.04)


def test_growing_moves_a_surface_outwards(ball):
    assert np.linalg.norm(grown(ball, 1.5).vertices, axis=1) == pytest.approx(11.5, abs=0.1)
    assert np.linalg.norm(grown(ball, -1.0).vertices, axis=1) == pytest.approx(9, abs=0.1)


def test_subdividing_rounds_a_surface_and_keeps_it_closed(cube):
    smooth = subdivided(cube)
    assert len(smooth.faces) == 4 * len(cube.faces)
    assert smooth.n_open_edges == 0
    assert smooth.volume < cube.volume


def test_a_mirror_image_keeps_its_outside(cube):
    image = mirrored(cube, x=-5.0)
    np.testing.assert_allclose((image.vertices.min(0)[0], image.vertices.max(0)[0]), (-20, -10))
    assert image.volume == pytest.approx(cube.volume)
    np.testing.assert_allclose(grown(image, 1.0).vertices.max(0), image.vertices.max(0) + 3**-0.5, atol=0.4)


def test_the_largest_piece_is_kept(cube, ball):
    both = joined([cube.moved(cube.vertices + 40), ball])
    assert both.n_open_edges == 0
    assert largest(both).volume == pytest.approx(ball.volume)
