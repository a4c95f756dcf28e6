import numpy as np
import pytest

from sneakynet.evaluation.measures.principal_axes import extents, principal_axes


def covariance(axes, spreads):
    return np.array(axes).T @ np.diag(spreads) @ np.array(axes)


def test_longest_first_and_right_handed():
    axes = principal_axes(np.diag([1.0, 9.0, 4.0]))
    np.testing.assert_allclose(axes, [[0, 1, 0], [0, 0, 1], [1, 0, 0]], atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_component_is_positive(sign):
    """Whichever way the axes were given."""
    first = np.array([-0.8, 0.6, 0.0]) * sign
    second = np.array([0.0, 0.0, -1.0]) * sign
    axes = principal_axes(covariance([first, second, np.cross(first, second)], [9, 4, 1]))
    np.testing.assert_allclose(axes[0], [0.8, -0.6, 0], atol=1e-12)
    np.testing.assert_allclose(axes[1], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(axes[2], np.cross(axes[0], axes[1]), atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_of_equal_components_the_first_is_positive(sign):
    first = np.array([-1.0, 1.0, 0.0]) / np.sqrt(2) * sign
    axes = principal_axes(covariance([first, [0, 0, 1], [first[1], -first[0], 0]], [9, 4, 1]))
    np.testing.assert_allclose(axes[0], np.array([1, -1, 0]) / np.sqrt(2), atol=1e-9)


def test_a_box_reaches_as_far_as_its_voxels():
    points = np.argwhere(np.ones((10, 4, 2), dtype=bool))
    affine = np.array([[0, 2.0, 0, 5], [-1.5, 0, 0, 6], [0, 0, 3.0, 7], [0, 0, 0, 1]])
    # Index i runs along -y in steps of 1.5 mm, j along x in steps of 2, k along z in steps of 3.
    np.testing.assert_allclose(extents(points, np.eye(3), affine), [4 * 2, 10 * 1.5, 2 * 3])
