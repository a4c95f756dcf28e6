import numpy as np
import pytest

from sneakynet.geometry.orientation import Axes, canonical_axes, matching_axes, reorient, reorient_affine, restore


def affine_of(codes: str) -> np.ndarray:
    """An affine of 1 mm whose axes point to the named sides, as in 'LPS'."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, code in enumerate(codes):
        world = next(w for w, pair in enumerate(("RL", "AP", "SI")) if code in pair)
        affine[world, axis] = 1 if code in "RAS" else -1
    return affine


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ("RAS", Axes((0, 1, 2), (False, False, False))),
        ("LPS", Axes((0, 1, 2), (True, True, False))),
        ("PIR", Axes((2, 0, 1), (False, True, True))),
        ("SRA", Axes((1, 2, 0), (False, False, False))),
    ],
)
def test_axes_of_plain_orientations(codes: str, expected: Axes) -> None:
    assert canonical_axes(affine_of(codes)) == expected


def test_spacing_does_not_decide_the_axis() -> None:
    # The second column is long and leans to the right, but not as much as the first one points there.
    affine = np.diag([0.1, 10.0, 1.0, 1.0])
    affine[0, 1] = 5.0
    assert canonical_axes(affine).permutation == (0, 1, 2)


def test_every_world_axis_is_served_once_in_a_very_oblique_scan() -> None:
    # Two of the three columns lie nearest to x; one of them must give way.
    turn = np.array([[0.8, 0.7, 0.0], [0.6, -0.1, 0.8], [0.0, 0.7, 0.6]])
    affine = np.eye(4)
    affine[:3, :3] = turn
    assert sorted(canonical_axes(affine).permutation) == [0, 1, 2]


def test_reorient_puts_the_patients_right_last_along_i() -> None:
    # Stored from right to left: the first stored voxel is the rightmost.
    array = np.arange(6).reshape(1, 1, 6)
    affine = affine_of("SAL")
    axes = canonical_axes(affine)
    turned = reorient(array, axes)
    assert turned.shape == (6, 1, 1)
    assert turned[:, 0, 0].tolist() == [5, 4, 3, 2, 1, 0]
    np.testing.assert_array_equal(reorient_affine(affine, array.shape, axes)[:3, :3], np.eye(3))
    np.testing.assert_array_equal(reorient_affine(affine, array.shape, axes)[:3, 3], [-5, 0, 0])
    np.testing.assert_array_equal(restore(turned, axes), array)


@pytest.mark.parametrize("target", ["RAS", "LPS", "PIR", "SRA"])
@pytest.mark.parametrize("turn", [0, 30, 45])
def test_an_array_takes_the_axes_of_another(target: str, turn: int) -> None:
    # Both lie oblique in the world alike, so that one is the other with its axes permuted and flipped.
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    oblique = np.array([[cos, -sin, 0, 0], [sin, cos, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    own, wanted = oblique @ affine_of("LPI"), oblique @ affine_of(target)
    axes = matching_axes(own, wanted)
    np.testing.assert_allclose(reorient_affine(own, (2, 3, 4), axes)[:3, :3], wanted[:3, :3], atol=1e-12)
