import numpy as np
import pytest

from sneakynet.errors import SettingError
from sneakynet.geometry.affine import to_world
from sneakynet.geometry.resample import axis_weights, grid_for, resample


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return affine


def world_ramp(shape: tuple[int, int, int], affine: np.ndarray) -> np.ndarray:
    """A value per voxel that grows linearly in world mm, differently along x, y and z."""
    indices = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    return (to_world(affine, indices.astype(float)) @ [1.0, 10.0, 100.0]).reshape(shape)


SHAPE = (30, 26, 22)
AFFINES = {
    "RAS": np.array([[0.98, 0, 0, -12.3], [0, 0.98, 0, 4.5], [0, 0, 3.27, 7.0], [0, 0, 0, 1]]),
    "LPS": np.array([[-0.98, 0, 0, 12.3], [0, -0.98, 0, 4.5], [0, 0, 3.27, 7.0], [0, 0, 0, 1]]),
    "PIR": np.array([[0, 0, 1.7, -12.3], [-0.8, 0, 0, 4.5], [0, -0.9, 0, 7.0], [0, 0, 0, 1]]),
    "oblique": turned(20) @ np.diag([1.0, 1.2, 2.0, 1.0]),
}


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("spacing", [(4.0, 4.0, 4.0), (0.7, 1.1, 1.3)])
def test_a_world_ramp_keeps_its_values(name: str, antialias: bool, spacing: tuple[float, float, float]) -> None:
    affine = AFFINES[name]
    shape, grid = grid_for(SHAPE, affine, spacing=spacing)
    result = resample(world_ramp(SHAPE, affine), affine, to_shape=shape, to_affine=grid, order=1, antialias=antialias)
    # Near the border the repeated edge bends the ramp: one output voxel, or two input voxels for fine grids.
    rim = 1 if spacing[0] > 2 else 3
    inner = (slice(rim, -rim),) * 3
    np.testing.assert_allclose(result[inner], world_ramp(shape, grid)[inner], atol=2e-3)


@pytest.mark.parametrize("antialias", [False, True])
def test_a_world_ramp_keeps_its_values_on_a_grid_turned_against_the_scan(antialias: bool) -> None:
    affine = AFFINES["LPS"]
    grid = turned(30) @ np.diag([2.0, 2.0, 4.0, 1.0])
    grid[:3, 3] = to_world(affine, np.array([[12.0, 16.0, 3.0]]))[0]
    result = resample(
        world_ramp(SHAPE, affine), affine, to_shape=(4, 4, 10), to_affine=grid, order=1, antialias=antialias
    )
    np.testing.assert_allclose(result, world_ramp((4, 4, 10), grid), atol=2e-3)


def test_an_equal_grid_gives_equal_values() -> None:
    array = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)
    for antialias in (False, True):
        same = resample(array, AFFINES["PIR"], to_shape=SHAPE, to_affine=AFFINES["PIR"], order=1, antialias=antialias)
        np.testing.assert_array_equal(same, array)


@pytest.mark.parametrize("degrees", [0, 20])
def test_stripes_finer_than_the_output_average_out(degrees: float) -> None:
    """Every second plane 1000: read at one point, 4 mm voxels would see 0 here and 1000 there."""
    array = np.zeros((64, 64, 8), dtype=np.int16)
    array[::2] = 1000
    affine = np.diag([0.98, 0.98, 4.0, 1.0])
    grid = turned(degrees) @ np.diag([4.0, 4.0, 4.0, 1.0])
    grid[:3, 3] = [25, 15, 8]
    aliased = resample(array, affine, to_shape=(6, 6, 4), to_affine=grid, order=1)
    smooth = resample(array, affine, to_shape=(6, 6, 4), to_affine=grid, order=1, antialias=True)
    assert np.ptp(aliased) > 200
    assert np.abs(smooth - 500).max() < 60


def test_the_mean_is_nearly_kept_when_shrinking() -> None:
    array = np.random.default_rng(1).random(size=(48, 48, 48)).astype(np.float32)
    array[:8] = array[-8:] = array[:, :8] = array[:, -8:] = array[:, :, :8] = array[:, :, -8:] = 0
    shape, grid = grid_for(array.shape, np.eye(4), spacing=(3.0, 3.0, 3.0))
    small = resample(array, np.eye(4), to_shape=shape, to_affine=grid, order=1, antialias=True)
    assert small.sum() * 27 == pytest.approx(array.sum(), rel=1e-2)


def test_labels_take_the_nearest_voxel_and_keep_their_type() -> None:
    labels = np.array([1, 2, 300], dtype=np.uint16).reshape(3, 1, 1)
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    to_affine = np.eye(4)
    to_affine[0, 3] = -0.5
    result = resample(labels, affine, to_shape=(6, 1, 1), to_affine=to_affine, order=0, fill=0)
    # Voxel centres at -0.5 .. 4.5 mm; the labels reach from -1 to 1, 1 to 3 and 3 to 5 mm.
    assert result[:, 0, 0].tolist() == [1, 1, 2, 2, 300, 300]
    assert result.dtype == np.uint16


@pytest.mark.parametrize("degrees", [0, 10])
@pytest.mark.parametrize("order", [0, 1])
def test_beyond_the_scan_lies_the_fill_or_the_edge(degrees: float, order: int) -> None:
    array = np.full((5, 5, 5), 7, dtype=np.int16)
    array[0] = array[-1] = array[:, 0] = array[:, -1] = 3
    array[:, :, 0] = array[:, :, -1] = 3
    grid = turned(degrees)
    grid[:3, 3] = [-4, -4, -4]
    filled = resample(array, np.eye(4), to_shape=(13, 13, 13), to_affine=grid, order=order, fill=-9)
    edged = resample(array, np.eye(4), to_shape=(13, 13, 13), to_affine=grid, order=order)
    assert filled[0, 0, 0] == filled[12, 6, 6] == -9
    assert edged[0, 0, 0] == edged[12, 6, 6] == 3
    if degrees == 0:
        assert np.count_nonzero(filled != -9) == 5**3


def test_fill_begins_half_a_voxel_beyond_the_last_centre() -> None:
    array = np.ones((2, 2, 2), dtype=np.float32)
    grid = np.diag([0.25, 1.0, 1.0, 1.0])
    grid[0, 3] = -0.75
    result = resample(array, np.eye(4), to_shape=(11, 2, 2), to_affine=grid, order=1, fill=0.0)
    # Centres at -0.75, -0.5, ... 1.75; the scan's box runs from -0.5 to 1.5.
    assert result[:, 0, 0].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]


def test_antialias_for_labels_is_refused() -> None:
    with pytest.raises(SettingError, match=r"antialias averages voxels, which labels \(order 0\) do not allow"):
        resample(
            np.zeros((2, 2, 2), np.uint8), np.eye(4), to_shape=(1, 1, 1), to_affine=np.eye(4), order=0, antialias=True
        )


def test_grid_covers_the_scan_and_shares_its_centre() -> None:
    affine = np.diag([-0.98, 0.98, 3.27, 1.0])
    shape, grid = grid_for((512, 512, 135), affine, spacing=(4.0, 4.0, 4.0))
    assert shape == (126, 126, 111)  # 501.76 / 4 and 441.45 / 4, rounded up
    np.testing.assert_allclose(grid[:3, :3], np.diag([4.0, 4.0, 4.0]))
    middle = to_world(grid, (np.array([shape]) - 1) / 2)
    np.testing.assert_allclose(middle, to_world(affine, np.array([[255.5, 255.5, 67.0]])))


def test_grid_of_the_scans_own_spacing_is_the_scans_own() -> None:
    affine = AFFINES["RAS"]
    shape, grid = grid_for(SHAPE, affine, spacing=(0.98, 0.98, 3.27))
    assert shape == SHAPE
    np.testing.assert_allclose(grid, affine, atol=1e-12)


def test_grid_does_not_depend_on_the_storage_order() -> None:
    flipped = np.diag([-0.98, 1.0, 3.27, 1.0])
    flipped[0, 3] = 0.98 * 29
    one = grid_for(SHAPE, np.diag([0.98, 1.0, 3.27, 1.0]), spacing=(4.0, 4.0, 4.0))
    other = grid_for(SHAPE, flipped, spacing=(4.0, 4.0, 4.0))
    assert one[0] == other[0]
    np.testing.assert_allclose(one[1], other[1], atol=1e-12)


def test_spacing_of_zero_is_refused() -> None:
    with pytest.raises(SettingError, match=r"spacing must be positive along every axis, got \(4.0, 0.0, 4.0\) mm"):
        grid_for(SHAPE, np.eye(4), spacing=(4.0, 0.0, 4.0))


def test_slabs_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    whole = {}
    for degrees in (0, 15):
        grid = turned(degrees) @ np.diag([1.7, 1.7, 2.9, 1.0])
        arguments = {"to_shape": (15, 14, 20), "to_affine": grid, "order": 1, "antialias": True}
        whole[degrees] = resample(array, AFFINES["RAS"], **arguments)
        with monkeypatch.context() as patch:
            patch.setattr("sneakynet.geometry.resample._SLAB_BYTES", 1)
            np.testing.assert_allclose(resample(array, AFFINES["RAS"], **arguments), whole[degrees], atol=1e-5)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("spacing", [(3.0, 0.5, 1.0), (0.98, 2.0, 6.5)])
def test_the_weights_along_the_axes_are_what_resampling_does(
    spacing: tuple[float, float, float], antialias: bool
) -> None:
    voxels = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    shape, grid = grid_for(SHAPE, AFFINES["RAS"], spacing=spacing)
    i, j, k = axis_weights(SHAPE, AFFINES["RAS"], to_shape=shape, to_affine=grid, antialias=antialias)
    expected = resample(voxels, AFFINES["RAS"], to_shape=shape, to_affine=grid, order=1, fill=None, antialias=antialias)
    found = np.einsum("ai,bj,ck,ijk->abc", i.toarray(), j.toarray(), k.toarray(), voxels, optimize=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_no_weights_along_axes_that_are_turned() -> None:
    with pytest.raises(SettingError, match="the axes of the two grids do not run along each other"):
        axis_weights(SHAPE, turned(0), to_shape=SHAPE, to_affine=turned(20))
