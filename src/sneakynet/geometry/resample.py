"""Resampling between voxel grids, by their affines.

A voxel index that is a whole number is the centre of a voxel, and the voxel reaches half a step to each side; both
grids are read so. Where the axes of the two grids run parallel (the usual case) the work is done axis by axis with
sparse weights; otherwise voxel by voxel. Either way the output is made in slabs, so that beside input and output only
some tens of MB are held; only averaging onto a turned grid also holds the scan once as float32, already shrunk to half
of the output's voxels.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import ndimage, sparse

from sneakynet.errors import SettingError
from sneakynet.geometry.affine import spacing_of
from sneakynet.geometry.orientation import canonical_axes, reorient_affine
from sneakynet.types import Affine, ScanArray

_SLAB_BYTES = 32 * 2**20
# Axes count as parallel when no voxel moves by more than this many input voxels if the rest is dropped. Float32
# headers leave up to 1e-4.
_PARALLEL = 1e-3
# A grid that misses the far edge of the scan by less than this share of a voxel still covers it.
_COVER = 1e-4


def grid_for(
    shape: tuple[int, int, int], affine: Affine, *, spacing: tuple[float, float, float]
) -> tuple[tuple[int, int, int], Affine]:
    """The RAS+ ordered grid of a given spacing that covers a scan and runs along the scan's own axes.

    The two boxes share their centre, so that flipping the scan's storage order or mirroring it changes nothing.

    Args:
        shape: voxels of the scan.
        affine: of the scan; any orientation, oblique too.
        spacing: mm per voxel step towards right, anterior, superior.

    Returns:
        Shape and affine of the grid.

    Raises:
        SettingError: a spacing that is not positive.
    """
    if min(spacing) <= 0:
        msg = f"spacing must be positive along every axis, got {spacing} mm"
        raise SettingError(msg)
    axes = canonical_axes(affine)
    aligned = reorient_affine(affine, shape, axes)
    old_shape = np.array([shape[axis] for axis in axes.permutation])
    step = np.array(spacing) / np.array(spacing_of(aligned))  # in voxels of the scan
    new_shape = np.maximum(1, np.ceil(old_shape / step - _COVER)).astype(int)
    grid = np.eye(4)
    grid[:3, :3] = aligned[:3, :3] * step
    grid[:3, 3] = aligned[:3, :3] @ ((old_shape - 1) / 2 - step * (new_shape - 1) / 2) + aligned[:3, 3]
    i, j, k = (int(n) for n in new_shape)
    return (i, j, k), grid


def resample(
    array: ScanArray,
    affine: Affine,
    *,
    to_shape: tuple[int, int, int],
    to_affine: Affine,
    order: Literal[0, 1],
    fill: float | int | None = None,
    antialias: bool = False,
) -> np.ndarray:
    """Read an array on another grid.

    Args:
        array: values on the grid of ``affine``.
        affine: of the array.
        to_shape: shape of the result.
        to_affine: affine of the result.
        order: 0 takes the nearest voxel (labels; the dtype is kept), 1 interpolates linearly (float32 comes out).
        fill: value of every output voxel whose centre lies outside the scan's box of whole voxels. ``None``
            repeats the scan's edge instead.
        antialias: average over the output voxel where it is larger than the input's, rather than read it at one
            point. A linear ramp stays exact, and equal grids stay equal. Only with order 1.

    Returns:
        An array of ``to_shape``.

    Raises:
        SettingError: ``antialias`` with order 0.
    """
    if antialias and order == 0:
        msg = (
            "antialias averages voxels, which labels (order 0) do not allow; resample one class at a time with order 1"
        )
        raise SettingError(msg)
    to_input = np.linalg.inv(np.asarray(affine, dtype=np.float64)) @ np.asarray(to_affine, dtype=np.float64)
    source = np.abs(to_input[:3, :3]).argmax(axis=0)
    across = np.abs(to_input[:3, :3])
    across[source, np.arange(3)] = 0
    if len(set(source.tolist())) == 3 and float((across @ np.array(to_shape)).max()) < _PARALLEL:
        return _separable(array, to_input, source, to_shape=to_shape, order=order, fill=fill, antialias=antialias)
    if antialias:
        array, to_input = _shrink(array, to_input)
    return _oblique(array, to_input, to_shape=to_shape, order=order, fill=fill)


def axis_weights(
    shape: tuple[int, int, int],
    affine: Affine,
    *,
    to_shape: tuple[int, int, int],
    to_affine: Affine,
    antialias: bool = False,
) -> tuple[sparse.csr_array, sparse.csr_array, sparse.csr_array]:
    """What `resample` does along each axis (order 1, the edge repeated), for whoever applies it elsewhere.

    Args:
        shape: of the array.
        affine: of the array.
        to_shape: shape of the result.
        to_affine: affine of the result; its axes run along those of ``affine``, in the same order.
        antialias: see `resample`.

    Returns:
        Along i, j, k a matrix with a row per voxel of the result and a column per voxel of the array.

    Raises:
        SettingError: the axes are exchanged or turned.
    """
    to_input = np.linalg.inv(np.asarray(affine, dtype=np.float64)) @ np.asarray(to_affine, dtype=np.float64)
    steps = np.diag(to_input)[:3]
    across = np.abs(to_input[:3, :3] - np.diag(steps))
    if float((across @ np.array(to_shape)).max()) >= _PARALLEL:
        msg = f"the axes of the two grids do not run along each other (one voxel step is {to_input[:3, :3].tolist()})"
        raise SettingError(msg)
    i, j, k = (
        _weights(
            shape[a],
            steps[a] * np.arange(to_shape[a]) + to_input[a, 3],
            width=_box_width(abs(float(steps[a]))) if antialias else 0.0,
        )
        for a in range(3)
    )
    return i, j, k


def _separable(
    array: np.ndarray,
    to_input: Float[np.ndarray, "4 4"],
    source: np.ndarray,
    *,
    to_shape: tuple[int, int, int],
    order: Literal[0, 1],
    fill: float | int | None,
    antialias: bool,
) -> np.ndarray:
    """Resample along parallel axes; ``source[a]`` is the input axis that output axis ``a`` runs along."""
    array = array.transpose(source)
    steps = [float(to_input[source[a], a]) for a in range(3)]
    coordinates = [steps[a] * np.arange(to_shape[a]) + to_input[source[a], 3] for a in range(3)]
    if order == 0:
        result = _take_nearest(array, coordinates)
    else:
        widths = [_box_width(abs(step)) if antialias else 0.0 for step in steps]
        weights = [_weights(array.shape[a], coordinates[a], width=widths[a]) for a in range(3)]
        result = _apply_weights(array, weights)
    if fill is not None:
        for axis, at in enumerate(coordinates):
            outside = _outside(at, array.shape[axis])
            result[(slice(None),) * axis + (outside,)] = fill
    return result


def _outside(coordinates: np.ndarray, size: int) -> np.ndarray:
    """Which input coordinates lie outside the box of whole voxels (with a little room for rounding)."""
    outside: np.ndarray = (coordinates < -0.5 - _PARALLEL) | (coordinates > size - 0.5 + _PARALLEL)
    return outside


def _take_nearest(array: np.ndarray, coordinates: list[np.ndarray]) -> np.ndarray:
    """Nearest voxels, one axis after the other, those first that shrink the array most."""
    for axis in sorted(range(3), key=lambda a: len(coordinates[a]) / array.shape[a]):
        nearest = np.clip(np.floor(coordinates[axis] + 0.5), 0, array.shape[axis] - 1).astype(np.intp)
        array = array.take(nearest, axis=axis)
    return np.ascontiguousarray(array)


def _box_width(step: float) -> float:
    """Width, in input voxels, of the averaging box for an output voxel ``step`` input voxels wide.

    An input voxel is already an average over 1 voxel (variance 1/12), the output voxel shall be one over ``step``
    (variance step**2 / 12): the box adds the difference, and nothing where the two are equal.
    """
    return float(np.sqrt(max(0.0, step**2 - 1.0)))


def _weights(size: int, coordinates: np.ndarray, *, width: float) -> sparse.csr_array:
    """Matrix that reads ``size`` voxels at fractional coordinates, averaged over a box of ``width`` voxels.

    The box is integrated over the linear interpolant, exactly: rows sum to 1 and a linear ramp keeps its values.
    Beyond the first and the last voxel the edge value goes on.
    """
    reach = int(np.ceil(width / 2)) + 1
    taps = np.floor(coordinates).astype(np.intp)[:, None] + np.arange(-reach, reach + 2)
    distance = coordinates[:, None] - taps
    if width < 1e-6:
        values = np.maximum(0.0, 1.0 - np.abs(distance))
    else:
        values = (_hat_integral(distance + width / 2) - _hat_integral(distance - width / 2)) / width
    rows = np.repeat(np.arange(len(coordinates)), taps.shape[1])
    columns = np.clip(taps, 0, size - 1).ravel()
    used = values.ravel() > 1e-9
    entries = (values.ravel()[used].astype(np.float32), (rows[used], columns[used]))
    return sparse.coo_array(entries, shape=(len(coordinates), size)).tocsr()


def _hat_integral(x: np.ndarray) -> np.ndarray:
    """Integral, from minus infinity to x, of the hat function of linear interpolation."""
    x = np.clip(x, -1.0, 1.0)
    integral: np.ndarray = 0.5 + x - np.sign(x) * x**2 / 2
    return integral


def _apply_weights(array: np.ndarray, weights: list[sparse.csr_array]) -> np.ndarray:
    """Apply one matrix per axis, slab by slab along the axis with the largest stride in memory."""
    slab_axis = max(range(3), key=lambda a: abs(array.strides[a]))
    to_shape = tuple(w.shape[0] for w in weights)
    result = np.empty(to_shape, dtype=np.float32)
    # The array is widened to float32 one slab at a time; a wide kernel also needs its neighbours.
    largest = max(np.prod(array.shape) / array.shape[slab_axis], np.prod(to_shape) / to_shape[slab_axis])
    ratio = array.shape[slab_axis] / to_shape[slab_axis]
    slab = max(1, int(_SLAB_BYTES / (4 * largest * max(1.0, ratio))))
    order = sorted(range(3), key=lambda a: to_shape[a] / array.shape[a])
    for start in range(0, to_shape[slab_axis], slab):
        block = weights[slab_axis][start : start + slab]
        low, high = int(block.indices.min()), int(block.indices.max()) + 1
        along = (slice(None),) * slab_axis
        part = array[(*along, slice(low, high))].astype(np.float32, order="C")
        for axis in order:
            part = _apply_along(part, block[:, low:high] if axis == slab_axis else weights[axis], axis)
        result[(*along, slice(start, start + slab))] = part
    return result


def _apply_along(array: np.ndarray, weights: sparse.csr_array, axis: int) -> np.ndarray:
    front = np.moveaxis(array, axis, 0)
    product = weights @ np.ascontiguousarray(front).reshape(front.shape[0], -1)
    return np.moveaxis(product.reshape(weights.shape[0], *front.shape[1:]), 0, axis)


def _shrink(array: np.ndarray, to_input: Float[np.ndarray, "4 4"]) -> tuple[np.ndarray, Float[np.ndarray, "4 4"]]:
    """Average along the input's axes to the size of the output voxel, kept at twice its sampling density."""
    extents = np.linalg.norm(to_input[:3, :3], axis=1)  # of one output voxel, in input voxels
    weights = []
    to_shrunk = np.eye(4)
    for axis, extent in enumerate(extents):
        size = array.shape[axis]
        step = max(1.0, float(extent) / 2)
        count = int(np.ceil((size - 1) / step)) + 1
        first = ((size - 1) - step * (count - 1)) / 2
        weights.append(_weights(size, first + step * np.arange(count), width=_box_width(float(extent))))
        to_shrunk[axis, axis] = 1 / step
        to_shrunk[axis, 3] = -first / step
    return _apply_weights(array, weights), to_shrunk @ to_input


def _oblique(
    array: np.ndarray,
    to_input: Float[np.ndarray, "4 4"],
    *,
    to_shape: tuple[int, int, int],
    order: Literal[0, 1],
    fill: float | int | None,
) -> np.ndarray:
    """Resample voxel by voxel."""
    result = np.empty(to_shape, dtype=array.dtype if order == 0 else np.float32)
    slab = max(1, _SLAB_BYTES // (32 * to_shape[1] * to_shape[2]))
    matrix, offset = to_input[:3, :3], to_input[:3, 3]
    for start in range(0, to_shape[0], slab):
        out = result[start : start + slab]
        first = offset + matrix[:, 0] * start
        ndimage.affine_transform(
            array, matrix, first, output_shape=out.shape, output=out, order=order, mode="nearest", prefilter=False
        )
        if fill is not None:
            i, j, k = np.ogrid[: out.shape[0], : out.shape[1], : out.shape[2]]
            for axis in range(3):
                at = first[axis] + matrix[axis, 0] * i + matrix[axis, 1] * j + matrix[axis, 2] * k
                out[_outside(at, array.shape[axis])] = fill
    return result
