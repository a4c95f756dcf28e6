import numpy as np
import pytest

from sneakynet.phantom.implicit import bar, contoured, distance_of, ellipsoid, lattice, united, without

UP = (0.0, 0.0, 1.0)


def _volume(make, *, half=False):
    low = (0.0, -12.0, -12.0) if half else (-12.0, -12.0, -12.0)
    points, start = lattice(low, (12.0, 12.0, 12.0), spacing=0.5, half=half)
    surface = contoured(make(points), origin=start, spacing=0.5, half=half)
    assert surface.n_open_edges == 0
    return surface, surface.volume


def test_an_ellipsoid_has_its_volume_and_place():
    surface, volume = _volume(lambda p: ellipsoid(p, (1.0, 2.0, -1.0), (4.0, 6.0, 8.0)))
    assert volume == pytest.approx(4 / 3 * np.pi * 4 * 6 * 8, rel=0.01)
    np.testing.assert_allclose(surface.vertices.min(0), (-3, -4, -9), atol=0.1)
    np.testing.assert_allclose(surface.vertices.max(0), (5, 8, 7), atol=0.1)


def test_the_axes_turn_an_ellipsoid():
    turned = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    surface, _ = _volume(lambda p: ellipsoid(p, (0.0, 0.0, 0.0), (4.0, 6.0, 8.0), turned))
    np.testing.assert_allclose(np.ptp(surface.vertices, axis=0), (12, 8, 16), atol=0.1)


def test_a_bar_is_a_capsule():
    surface, volume = _volume(
        lambda p: bar(p, (-5.0, 0.0, 0.0), (5.0, 0.0, 0.0), radius=3.0, across=UP, radius_across=3.0)
    )
    assert volume == pytest.approx(np.pi * 9 * 10 + 4 / 3 * np.pi * 27, rel=0.01)
    np.testing.assert_allclose(np.ptp(surface.vertices, axis=0), (16, 6, 6), atol=0.1)


def test_a_bar_is_thicker_across():
    surface, _ = _volume(lambda p: bar(p, (-5.0, 0.0, 0.0), (5.0, 0.0, 0.0), radius=2.0, across=UP, radius_across=5.0))
    np.testing.assert_allclose(np.ptp(surface.vertices, axis=0), (14, 4, 10), atol=0.1)


def test_a_half_is_mirrored_into_the_whole():
    def solid(p):
        return ellipsoid((np.abs(p[0]), p[1], p[2]), (3.0, 0.0, 0.0), (5.0, 4.0, 4.0))

    whole, volume = _volume(solid)
    half, mirrored = _volume(solid, half=True)
    assert mirrored == pytest.approx(volume, rel=1e-5)
    np.testing.assert_allclose(half.vertices.min(0), whole.vertices.min(0), atol=1e-4)


def test_union_and_difference_keep_the_solids_apart_from_the_fillet():
    a, b = np.array([-3.0, 5.0, 0.5, 4.0]), np.array([4.0, -2.0, 0.5, 4.2])
    np.testing.assert_allclose(united(a, b, blend=2.0), [-3, -2, 0, 4 - 1.8**2 / 8], atol=0.01)
    assert (united(a, b, blend=2.0) <= np.minimum(a, b)).all()
    assert (without(a, b, blend=2.0) >= np.maximum(a, -b) - 1e-6).all()
    assert without(a, b, blend=0.5)[0] == pytest.approx(-3.0)


def test_a_solid_that_reaches_the_rim_is_closed_there():
    points, start = lattice((-4.0, -4.0, -4.0), (4.0, 4.0, 4.0), spacing=1.0)
    surface = contoured(ellipsoid(points, (4.0, 0.0, 0.0), (5.0, 5.0, 5.0)), origin=start, spacing=1.0)
    assert surface.n_open_edges == 0


def test_a_surface_becomes_a_distance(cuboid):
    field, start = distance_of(cuboid(20.0, 30.0, 40.0), spacing=1.0, margin=6.0)
    index = tuple(np.round(np.array([10.0, 15.0, 20.0]) - start).astype(int))
    assert field[index] == pytest.approx(-10, abs=1.2)
    again = contoured(field, origin=start, spacing=1.0)
    assert again.n_open_edges == 0
    assert again.volume == pytest.approx(24_000, rel=0.1)
