"""Laws of orientation and resampling, on grids of any direction and spacing."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from sneakynet.geometry.affine import spacing_of, to_world
from sneakynet.geometry.orientation import canonical_axes, reorient, reorient_affine, restore
from sneakynet.geometry.resample import grid_for, resample
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

spacings = st.tuples(*[st.floats(0.3, 6.0)] * 3)
shapes = st.tuples(*[st.integers(2, 7)] * 3)


@st.composite
def affines(draw: st.DrawFn, *, oblique: bool = True) -> np.ndarray:
    """Any axis order and flips, any spacing and origin, and up to 40 degrees of turn."""
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[list(draw(st.permutations(range(3))))] * draw(st.tuples(*[st.sampled_from([-1, 1])] * 3))
    if oblique:
        angles = draw(st.tuples(*[st.floats(-40, 40)] * 3))
        affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ affine[:3, :3]
    affine[:3, :3] *= draw(spacings)
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    return affine


def numbered(shape: tuple[int, int, int]) -> np.ndarray:
    """Every voxel holds its own number."""
    return np.arange(np.prod(shape), dtype=np.int32).reshape(shape)


def places(voxels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """World position of the voxel that holds 0, of the one that holds 1, and so on."""
    indices = np.argwhere(np.ones_like(voxels, dtype=bool)).astype(float)
    return to_world(affine, indices[np.argsort(voxels.ravel())])


@settings(deadline=None)
@given(shape=shapes, affine=affines())
def test_canonical_keeps_the_place_of_every_voxel(shape: tuple[int, int, int], affine: np.ndarray) -> None:
    before = Volume(numbered(shape), affine)
    after = canonical(before)
    np.testing.assert_allclose(places(after.voxels, after.affine), places(before.voxels, affine), atol=1e-9)


@settings(deadline=None)
@given(shape=shapes, affine=affines())
def test_canonical_axes_point_right_front_and_up(shape: tuple[int, int, int], affine: np.ndarray) -> None:
    after = canonical(Volume(numbered(shape), affine))
    assert canonical_axes(after.affine) == ((0, 1, 2), (False, False, False))
    np.testing.assert_array_equal(canonical(after).voxels, after.voxels)


@settings(deadline=None)
@given(shape=shapes, affine=affines())
def test_restore_undoes_reorient(shape: tuple[int, int, int], affine: np.ndarray) -> None:
    axes = canonical_axes(affine)
    np.testing.assert_array_equal(restore(reorient(numbered(shape), axes), axes), numbered(shape))


@settings(deadline=None)
@given(shape=shapes, affine=affines(), spacing=spacings)
def test_a_grid_covers_every_voxel(
    shape: tuple[int, int, int], affine: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    grid_shape, grid = grid_for(shape, affine, spacing=spacing)
    np.testing.assert_allclose(spacing_of(grid), spacing)
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in shape])).reshape(3, 8).T
    inside = to_world(np.linalg.inv(grid), to_world(affine, corners))
    assert (inside > -0.5 - 1e-3).all()
    assert (inside < np.array(grid_shape) - 0.5 + 1e-3).all()


@settings(deadline=None)
@given(shape=shapes, affine=affines(), data=st.data())
def test_labels_come_back_from_a_finer_grid(
    shape: tuple[int, int, int], affine: np.ndarray, data: st.DataObject
) -> None:
    """Of a grid half as wide, every voxel finds a neighbour that took its label."""
    labels = data.draw(hnp.arrays(np.uint8, shape))
    turned = reorient_affine(affine, shape, canonical_axes(affine))
    i, j, k = (0.5 * step for step in spacing_of(turned))
    fine_shape, fine = grid_for(shape, affine, spacing=(i, j, k))
    there = resample(labels, affine, to_shape=fine_shape, to_affine=fine, order=0)
    back = resample(there, fine, to_shape=shape, to_affine=affine, order=0)
    np.testing.assert_array_equal(back, labels)


@settings(deadline=None)
@given(shape=shapes, affine=affines(), to_affine=affines(), data=st.data())
def test_resampled_values_stay_within_the_scan(
    shape: tuple[int, int, int], affine: np.ndarray, to_affine: np.ndarray, data: st.DataObject
) -> None:
    scan = data.draw(hnp.arrays(np.int16, shape, elements=st.integers(-1024, 3000)))
    to_affine[:3, 3] = to_world(affine, np.zeros((1, 3)))[0]
    for antialias in (False, True):
        result = resample(scan, affine, to_shape=(4, 4, 4), to_affine=to_affine, order=1, antialias=antialias)
        assert result.min() >= scan.min() - 0.1
        assert result.max() <= scan.max() + 0.1


@settings(deadline=None)
@given(shape=shapes, affine=affines(oblique=False), spacing=spacings)
def test_the_order_of_storage_does_not_matter(
    shape: tuple[int, int, int], affine: np.ndarray, spacing: tuple[float, float, float]
) -> None:
    scan = Volume((numbered(shape) * 37 % 1000).astype(np.int16), affine)
    turned = canonical(scan)
    grid_shape, grid = grid_for(shape, affine, spacing=spacing)
    for order in (0, 1):
        one = resample(scan.voxels, scan.affine, to_shape=grid_shape, to_affine=grid, order=order)
        other = resample(turned.voxels, turned.affine, to_shape=grid_shape, to_affine=grid, order=order)
        # A voxel centre halfway between two labels may go either way by rounding.
        off = np.abs(one.astype(float) - other) > 0.01
        assert order == 0 or not off.any()
        ties = (
            np.abs((to_world(np.linalg.inv(affine), places(numbered(grid_shape), grid)) % 1) - 0.5).min(axis=1) < 1e-6
        )
        assert not (off.ravel() & ~ties).any()
