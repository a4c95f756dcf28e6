"""A stack of slices: where they lie, and how to bring tilted or uneven ones onto a straight, even grid.

The slices are planes that share one direction; the stack is straight when every slice lies right behind the one
before, and even when all steps are the same.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage

from sneakynet.errors import VolumeError
from sneakynet.types import ScanArray

EVEN_SHARE = 0.01
"""A slice may lie this share of the step beside its place on the even grid..."""
EVEN_MM = 0.02
"""...or this many mm, whichever is more: headers round positions to hundredths of a mm."""
LARGEST_GAP = 3.0
"""A gap of more than this many steps is not bridged."""
STRAIGHT_PIXELS = 0.25
"""In-plane drift over the whole stack, in pixels, up to which it counts as straight."""
LARGEST_TILT = 45.0
"""Degrees; CT gantries tilt by up to 30."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in order along their common normal.

    Args:
        order: index of the given slices, sorted along the normal.
        depths: mm along the normal, ascending, one per sorted slice.
        drift: mm along the in-plane axes by which each sorted slice is displaced from the first.
        step: the median distance of neighbouring slices in mm.
    """

    order: Int[np.ndarray, " slices"]
    depths: Float[np.ndarray, " slices"]
    drift: Float[np.ndarray, "slices 2"]
    step: float

    @property
    def even(self) -> bool:
        """Whether the slices lie on an even grid, but for rounding."""
        grid = np.linspace(self.depths[0], self.depths[-1], len(self.depths))
        return bool(np.abs(self.depths - grid).max() <= max(EVEN_SHARE * self.step, EVEN_MM))

    @property
    def tilt(self) -> float:
        """Degrees between the line through first and last slice and the normal."""
        along = self.depths[-1] - self.depths[0]
        return float(np.degrees(np.arctan2(np.linalg.norm(self.drift[-1]), along)))

    def straight(self, pixel: tuple[float, float]) -> bool:
        """Whether the slices lie right behind one another.

        Args:
            pixel: in-plane spacing in mm.

        Returns:
            True when no slice drifts by more than `STRAIGHT_PIXELS`.
        """
        return bool((np.ptp(self.drift, axis=0) <= STRAIGHT_PIXELS * np.array(pixel)).all())


def measure_stack(positions: Float[np.ndarray, "slices 3"], in_plane: Float[np.ndarray, "2 3"]) -> Stack:
    """Sort slices along their normal and measure how they lie.

    Args:
        positions: mm, a fixed corner of each slice.
        in_plane: the two orthogonal unit directions of the slices.

    Returns:
        The stack.

    Raises:
        VolumeError: fewer than 2 slices, two at the same place, a gap over `LARGEST_GAP` steps, or a stack that
            leans by more than `LARGEST_TILT` degrees.
    """
    if len(positions) < 2:
        msg = f"the series has {len(positions)} slice; a volume of 2 slices or more is needed"
        raise VolumeError(msg)
    depths = positions @ np.cross(in_plane[0], in_plane[1])
    order = np.argsort(depths, kind="stable")
    depths = depths[order]
    relative = positions[order] - positions[order[0]]
    steps = np.diff(depths)
    stack = Stack(order=order, depths=depths, drift=relative @ in_plane.T, step=float(np.median(steps)))
    _check_steps(steps, stack)
    if stack.tilt > LARGEST_TILT:
        msg = f"the slices lean by {stack.tilt:.0f} degrees; at most {LARGEST_TILT:.0f} can be straightened"
        raise VolumeError(msg)
    return stack


def _check_steps(steps: Float[np.ndarray, " gaps"], stack: Stack) -> None:
    # Measured against the largest step: with half of the slices doubled the median itself is 0.
    doubled = int(np.count_nonzero(steps <= EVEN_SHARE * steps.max()))
    if doubled:
        msg = (
            f"{doubled} of {len(stack.depths)} slices lie at the same place as another (several phases or "
            "reconstructions in one series?); keep one of each, in a folder of its own"
        )
        raise VolumeError(msg)
    widest = int(steps.argmax())
    if steps[widest] > (LARGEST_GAP + EVEN_SHARE) * stack.step:
        msg = (
            f"slices are missing: between slice {widest + 1} and {widest + 2} lie {steps[widest]:.2f} mm, elsewhere "
            f"{stack.step:.2f} mm (gaps of up to {LARGEST_GAP:g} steps are bridged); find the missing files, or put "
            "the part that is wanted in a folder of its own"
        )
        raise VolumeError(msg)


def straighten(
    slices: ScanArray, stack: Stack, *, pixel: tuple[float, float], fill: float | int
) -> tuple[np.ndarray, tuple[int, int], float]:
    """Bring the slices onto a straight, even grid by linear interpolation.

    A stack that is both already comes back as it is.

    Args:
        slices: sorted as ``stack.order`` says, along the last axis.
        stack: how they lie.
        pixel: in-plane spacing in mm.
        fill: value where the straight box reaches beyond the tilted one.

    Returns:
        The new array (whole numbers stay whole numbers), the in-plane index, in pixels of the first slice, at which
        it begins, and its step along the normal in mm.
    """
    even_step = (stack.depths[-1] - stack.depths[0]) / (len(stack.depths) - 1)
    start = (0, 0)
    if not stack.straight(pixel):
        slices, start = _shear(slices, stack.drift / np.array(pixel), fill)
    if not stack.even:
        slices, even_step = _even_out(slices, stack)
    return slices, start, float(even_step)


def _shear(
    slices: np.ndarray, drift: Float[np.ndarray, "slices 2"], fill: float | int
) -> tuple[np.ndarray, tuple[int, int]]:
    """Shift each slice by its drift (in pixels) on a canvas that holds them all."""
    low = np.floor(drift.min(axis=0)).astype(int)
    high = np.ceil(drift.max(axis=0)).astype(int)
    size = tuple(int(n) for n in np.array(slices.shape[:2]) + high - low)
    result = np.empty((*size, slices.shape[2]), dtype=slices.dtype, order="F")
    for k in range(slices.shape[2]):
        moved = ndimage.affine_transform(
            slices[:, :, k].astype(np.float32),
            np.ones(2),
            low - drift[k],
            output_shape=size,
            order=1,
            mode="constant",
            cval=fill,
            prefilter=False,
        )
        result[:, :, k] = _as_before(moved, slices.dtype)
    return result, (int(low[0]), int(low[1]))


def _even_out(slices: np.ndarray, stack: Stack) -> tuple[np.ndarray, float]:
    """Interpolate along the stack at even steps, as near to the median step as reaches both ends."""
    extent = stack.depths[-1] - stack.depths[0]
    count = round(extent / stack.step) + 1
    wanted = np.linspace(stack.depths[0], stack.depths[-1], count)
    result = np.empty((*slices.shape[:2], count), dtype=slices.dtype, order="F")
    for k, depth in enumerate(wanted):
        above = int(np.clip(np.searchsorted(stack.depths, depth), 1, len(stack.depths) - 1))
        share = (depth - stack.depths[above - 1]) / (stack.depths[above] - stack.depths[above - 1])
        mixed = (1 - share) * slices[:, :, above - 1] + share * slices[:, :, above]
        result[:, :, k] = _as_before(mixed, slices.dtype)
    return result, float(extent / (count - 1))


def _as_before(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.rint(values).astype(dtype) if np.issubdtype(dtype, np.integer) else values.astype(dtype)
