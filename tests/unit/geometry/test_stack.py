import numpy as np
import pytest

from sneakynet.errors import VolumeError
from sneakynet.geometry.stack import measure_stack, straighten

AXIAL = np.eye(3)[:2]


def positions(depths: list[float], *, lean: float = 0.0) -> np.ndarray:
    """Slices at the given depths, displaced along y by ``lean`` mm per mm."""
    z = np.array(depths, dtype=float)
    return np.stack([np.zeros_like(z), lean * (z - z[0]), z], axis=1)


def test_slices_are_sorted_by_where_they_lie() -> None:
    stack = measure_stack(positions([4.0, 0.0, 2.0]), AXIAL)
    assert stack.order.tolist() == [1, 2, 0]
    assert stack.step == 2.0
    assert stack.even
    assert stack.straight((1.0, 1.0))


def test_rounded_positions_count_as_even() -> None:
    stack = measure_stack(positions([0.0, 0.63, 1.25, 1.88, 2.5]), AXIAL)
    assert stack.even


def test_a_missing_slice_is_not_even() -> None:
    stack = measure_stack(positions([0, 1, 2, 4, 5]), AXIAL)
    assert not stack.even


def test_a_small_step_that_adds_up_is_not_even() -> None:
    # No neighbour is off by more than a few per cent, but in the middle the slices are half a step out of place.
    depths = np.cumsum([0, *[1.05] * 10, *[0.95] * 10]).tolist()
    assert not measure_stack(positions(depths), AXIAL).even


def test_tilt_is_measured_against_the_normal() -> None:
    stack = measure_stack(positions([0, 1, 2, 3], lean=np.tan(np.radians(20))), AXIAL)
    assert stack.tilt == pytest.approx(20)
    assert not stack.straight((0.5, 0.5))


@pytest.mark.parametrize(
    ("depths", "lean", "message"),
    [
        ([1.0], 0.0, r"the series has 1 slice; a volume of 2 slices or more is needed"),
        ([0, 1, 1, 2], 0.0, r"1 of 4 slices lie at the same place as another"),
        ([0, 0, 1, 1, 2, 2], 0.0, r"3 of 6 slices lie at the same place as another"),
        ([0, 1, 2, 6, 7], 0.0, r"between slice 3 and 4 lie 4.00 mm, elsewhere 1.00 mm \(gaps of up to 3 steps"),
        ([0, 1, 2, 3], 2.0, r"the slices lean by 63 degrees; at most 45 can be straightened"),
    ],
)
def test_stacks_that_are_refused(depths: list[float], lean: float, message: str) -> None:
    with pytest.raises(VolumeError, match=message):
        measure_stack(positions(depths, lean=lean), AXIAL)


def test_a_straight_even_stack_comes_back_as_it_is() -> None:
    slices = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    same, start, step = straighten(slices, measure_stack(positions([0, 2, 4, 6]), AXIAL), pixel=(1.0, 1.0), fill=0)
    assert same is slices
    assert (start, step) == ((0, 0), 2.0)


def test_a_missing_slice_is_interpolated() -> None:
    slices = np.zeros((2, 2, 4), dtype=np.int16)
    slices[..., :] = [0, 100, 300, 400]
    stack = measure_stack(positions([0, 1, 3, 4]), AXIAL)
    filled, _, step = straighten(slices, stack, pixel=(1.0, 1.0), fill=0)
    assert filled[0, 0].tolist() == [0, 100, 200, 300, 400]
    assert filled.dtype == np.int16
    assert step == 1.0


@pytest.mark.parametrize("lean", [0.5, -0.5])
def test_a_tilted_stack_of_a_world_ramp_becomes_straight(lean: float) -> None:
    """Each voxel holds its own y; afterwards y is read off from the index alone."""
    pixel = (1.0, 0.8)
    stack = measure_stack(positions([0, 3, 6, 9], lean=lean), AXIAL)
    rows = np.arange(20)
    y = rows[None, :, None] * pixel[1] + stack.drift[None, None, :, 1]
    slices = np.broadcast_to(y, (5, 20, 4)).astype(np.float32)
    straight, start, step = straighten(slices, stack, pixel=pixel, fill=-1024)
    assert step == 3.0
    assert straight.shape[2] == 4
    expected = (np.arange(straight.shape[1]) + start[1]) * pixel[1]
    inside = straight > -1000
    assert inside.sum() >= 4 * 5 * 18
    np.testing.assert_allclose(
        straight[inside], np.broadcast_to(expected[None, :, None], straight.shape)[inside], atol=1e-4
    )
