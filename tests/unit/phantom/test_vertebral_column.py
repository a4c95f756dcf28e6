import numpy as np
import pytest
from scipy.spatial import cKDTree
from vtkmodules.util.numpy_support import vtk_to_numpy

from sneakynet.phantom.surface import voxelised
from sneakynet.phantom.vertebra_shape import vertebra_shapes
from sneakynet.phantom.vertebral_column import place_vertebrae, vertebra_surfaces

LEVELS = [f"C{n}" for n in range(2, 8)] + [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]


@pytest.fixture(scope="module")
def column():
    """A spine 520 mm long, evenly divided and gently curved, in the plane x = 7."""
    z = np.linspace(0, -520, len(LEVELS))
    y = 12 * np.sin(z / 80)
    centres = {level: np.array([7.0, y[n], z[n]]) for n, level in enumerate(LEVELS)}
    return place_vertebrae(centres, top=np.array([7.0, 0.0, 26.0]))


def test_ends_stay_and_the_levels_between_grow_downwards(column):
    assert [vertebra.name for vertebra in column] == ["C1", *LEVELS]
    assert column[-1].origin[2] == pytest.approx(-520, abs=0.5)
    heights = np.array([vertebra.origin[2] for vertebra in column])
    steps = -np.diff(heights)
    assert (steps > 0).all()
    # The input's steps are equal; published bodies and discs are not, within each of the parts between fixed levels.
    thoracic = steps[7:18]
    assert thoracic[-1] > 1.25 * thoracic[0]


def test_a_vertebra_leans_with_the_curve(column):
    by_name = {vertebra.name: vertebra for vertebra in column}
    up = by_name["T6"].to_world(np.array([[0.0, 0.0, 1.0]]))[0] - by_name["T6"].origin
    along = by_name["T5"].origin - by_name["T7"].origin
    np.testing.assert_allclose(up, along / np.linalg.norm(along), atol=0.05)


def test_local_and_world_are_each_others_inverse(column):
    local = np.array([[3.0, -4.0, 5.0], [0.0, 1.0, 2.0]])
    vertebra = column[4]
    world = vertebra.to_world(local)
    back = vertebra.to_local((world[:, 0], world[:, 1], world[:, 2]))
    np.testing.assert_allclose(np.stack(back, axis=1), local, atol=1e-4)


def test_heights_follow_the_length_of_the_spine(column):
    published = vertebra_shapes()
    for vertebra in column[2:]:
        assert vertebra.shape.height == pytest.approx(published[vertebra.name].height * vertebra.scale)
        assert vertebra.shape.width_up == published[vertebra.name].width_up


def _gap(one, other):
    return cKDTree(one.vertices).query(other.vertices)[0].min()


def test_neighbours_do_not_meet(column):
    for upper, lower in ((2, 3), (10, 11), (21, 22)):
        pair = [column[upper], column[lower]]
        surfaces = dict(vertebra_surfaces(pair))
        assert [surface.n_open_edges for surface in surfaces.values()] == [0, 0]
        low = np.min([surface.vertices.min(0) for surface in surfaces.values()], axis=0)
        size = np.ceil(np.max([surface.vertices.max(0) for surface in surfaces.values()], axis=0) - low).astype(int) + 2
        masks = [
            vtk_to_numpy(voxelised(surface, spacing=1.0, origin=low, shape=size.tolist()).GetPointData().GetScalars())
            for surface in surfaces.values()
        ]
        assert (masks[0] & masks[1]).sum() == 0
        assert _gap(*surfaces.values()) < 4
