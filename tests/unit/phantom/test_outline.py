import numpy as np
import pytest

from sneakynet.phantom.outline import hull_field, rod_field, section


def test_a_section_finds_a_tubes_radius_between_sparse_points() -> None:
    rng = np.random.default_rng(0)
    angle, z = rng.uniform(0, 2 * np.pi, 300), rng.uniform(0, 200, 300)
    points = np.stack([4 + 90 * np.cos(angle), -6 + 90 * np.sin(angle), z], axis=1)
    axis = np.tile([4.0, -6.0], (21, 1))
    tube = section(points, axis=axis, z0=0.0)
    np.testing.assert_allclose(tube.radii, 90, rtol=0.02)


def test_an_inner_section_follows_the_nearest_points() -> None:
    angle = np.linspace(0, 2 * np.pi, 400)
    rings = [np.stack([r * np.cos(angle), r * np.sin(angle), np.full(400, 50.0)], axis=1) for r in (60.0, 100.0)]
    axis = np.zeros((11, 2))
    tube = section(np.concatenate(rings), axis=axis, z0=0.0, inner=True)
    np.testing.assert_allclose(tube.radii, 60, rtol=0.02)


def test_a_section_is_read_by_angle_and_height() -> None:
    angle = np.linspace(0, 2 * np.pi, 2000)
    z = np.tile(np.arange(0, 200, 5.0), 50)
    points = np.stack([(80 + 40 * np.cos(angle)) * np.cos(angle), (80 + 40 * np.cos(angle)) * np.sin(angle), z], axis=1)
    tube = section(points, axis=np.zeros((20, 2)), z0=0.0)
    x, y = np.array([50.0, -50.0, 0.0], np.float32), np.array([0.0, 0.0, 50.0], np.float32)
    radius, where = tube.locate(x, y, np.full(3, 100, np.float32))
    np.testing.assert_allclose(radius, 50, rtol=1e-5)
    np.testing.assert_allclose(tube.at(tube.radii, where), [120, 40, 80], rtol=0.08)


def test_hull_and_rod_are_negative_inside() -> None:
    corners = np.array([[x, y, z] for x in (-10.0, 10.0) for y in (-10.0, 10.0) for z in (-10.0, 10.0)])
    at = tuple(np.array(c, np.float32).reshape(3, 1, 1) for c in ([0, 30, 8], [0, 0, 0], [0, 0, 0]))
    inside, outside, near = hull_field((at[0], at[1], at[2]), corners).ravel()
    assert inside == pytest.approx(-10, abs=1.5)
    assert outside == pytest.approx(20, abs=1.5)
    assert near == pytest.approx(-2, abs=1.5)
    rod = rod_field((at[0], at[1], at[2]), np.array([0.0, 0, -50]), np.array([0.0, 0, 50]), (5.0, 5.0)).ravel()
    np.testing.assert_allclose(rod, [-5, 25, 3], atol=1e-5)
