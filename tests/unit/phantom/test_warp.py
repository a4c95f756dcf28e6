import numpy as np

from sneakynet.phantom.warp import warped


def test_white_noise_keeps_its_deviation(cuboid):
    points = cuboid(10, 10, 10).moved(np.random.default_rng(0).uniform(0, 600, (4000, 3)))
    moves = np.concatenate(
        [warped({"a": points}, layers=((60.0, 3.0),), seed=s)["a"].vertices - points.vertices for s in range(3)]
    )
    assert 2.4 < moves.std() < 3.4
    assert np.abs(moves.mean(0)).max() < 0.8


def test_near_points_move_together(cuboid):
    at = np.random.default_rng(0).uniform(0, 600, (3000, 3))
    near = at + 2.0
    box = cuboid(10, 10, 10)
    out = warped({"a": box.moved(at), "b": box.moved(near)}, layers=((130.0, 4.0),), seed=1)
    moved = (out["b"].vertices - near) - (out["a"].vertices - at)
    assert np.abs(moved).max() < 0.6


def test_same_seed_same_warp_and_none_for_no_layers(cuboid):
    box = {"a": cuboid(40, 50, 60)}
    first, second = (warped(box, layers=((55.0, 1.5),), seed=4)["a"].vertices for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(warped(box, layers=(), seed=4)["a"].vertices, box["a"].vertices)


def test_left_moves_much_like_right(cuboid):
    right = np.random.default_rng(0).uniform([100, 0, 0], [300, 600, 600], (3000, 3))
    both = {"right": cuboid(1, 1, 1).moved(right), "left": cuboid(1, 1, 1).moved(right * [-1, 1, 1])}
    out = warped(both, layers=((60.0, 3.0),), seed=1)
    moved = [(out[side].vertices - both[side].vertices).ravel() for side in ("right", "left")]
    mirrored = moved[1] * np.tile([-1, 1, 1], 3000)
    assert 0.65 < np.corrcoef(moved[0], mirrored)[0, 1] < 0.9
