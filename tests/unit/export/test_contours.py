from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from sneakynet.export.contours import outlines

RULES = ["even-odd", "nonzero"]


def mask(*lines: str) -> np.ndarray:
    return np.array([[pixel == "#" for pixel in line] for line in lines])


def painted(found: list[np.ndarray], filled: Any, *, shape: tuple[int, ...], rule: str) -> np.ndarray:
    """Every pixel's count of outlines that it lies in."""
    return sum((filled(outline, shape=shape, rule=rule).astype(int) for outline in found), np.zeros(shape, int))


def test_a_pixel_is_a_diamond_around_its_centre() -> None:
    (outline,) = outlines(mask("....", "..#."))
    assert {tuple(point) for point in outline} == {(1.5, 1), (2.5, 1), (2, 0.5), (2, 1.5)}


def test_points_on_a_straight_line_are_left_out() -> None:
    (outline,) = outlines(np.ones((5, 9), bool))
    assert len(outline) == 8


def test_nothing_has_no_outline() -> None:
    assert list(outlines(np.zeros((3, 3), bool))) == []


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("picture", "parts"),
    [
        (mask("#####", "#...#", "#.#.#", "#...#", "#####"), 2),
        (mask("#########", "#.#.#.#.#", "#########", "#...#.#.#", "#########"), 1),
        (mask("#..", ".#.", "..#"), None),
        (mask("##", "##"), 1),
    ],
    ids=["an island in a hole", "many holes", "a diagonal", "the whole plane"],
)
def test_outlines_hold_exactly_the_mask(picture: np.ndarray, parts: int | None, rule: str, filled: Any) -> None:
    found = list(outlines(picture))
    assert parts is None or len(found) == parts
    np.testing.assert_array_equal(painted(found, filled, shape=picture.shape, rule=rule), picture)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("coarse", [0, 1.5])
def test_ragged_masks_too(seed: int, coarse: float, rule: str, filled: Any) -> None:
    noise = np.random.default_rng(seed).standard_normal((24, 31))
    picture = ndimage.gaussian_filter(noise, coarse) > 0
    np.testing.assert_array_equal(painted(list(outlines(picture)), filled, shape=picture.shape, rule=rule), picture)
