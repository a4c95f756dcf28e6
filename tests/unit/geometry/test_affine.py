import numpy as np

from sneakynet.geometry.affine import LPS_TO_RAS, spacing_of, to_world


def test_spacing_is_the_length_of_the_columns() -> None:
    affine = np.array([[0.0, -2.0, 0.0, 5.0], [3.0, 0.0, 0.0, 5.0], [4.0, 0.0, 0.5, 5.0], [0.0, 0.0, 0.0, 1.0]])
    assert spacing_of(affine) == (5.0, 2.0, 0.5)


def test_to_world_of_a_voxel_between_two_centres() -> None:
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = [10, 20, 30]
    np.testing.assert_array_equal(
        to_world(affine, np.array([[0.0, 0.0, 0.0], [0.5, 1.0, -1.0]])), [[10, 20, 30], [11, 23, 26]]
    )


def test_lps_to_ras_is_its_own_inverse() -> None:
    np.testing.assert_array_equal(LPS_TO_RAS @ LPS_TO_RAS, np.eye(4))
