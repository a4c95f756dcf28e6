"""Outlines of a mask in one plane, whose insides hold exactly the mask's pixels."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from contourpy import FillType, contour_generator
from jaxtyping import Bool, Float

Outline = Float[np.ndarray, "_points 2"]


def outlines(mask: Bool[np.ndarray, "rows columns"]) -> Iterator[Outline]:
    """The outline of each connected part of a mask.

    A hole is cut out by the keyhole technique that DICOM describes: the outline enters it by a channel of no width.
    Outlines run half-way between the centres of pixels inside and outside, so a pixel belongs to the mask exactly
    where its centre lies inside (by the even-odd and by the nonzero rule).

    Args:
        mask: True inside.

    Yields:
        Points (column, row) in pixels, 0 at the centre of the first; the last is not the first again.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return
    first_row, first_column = rows[0], columns[0]
    box = mask[first_row : rows[-1] + 1, first_column : columns[-1] + 1]
    # A margin closes the outlines at the edge of the plane.
    filled = contour_generator(z=np.pad(box, 1).astype(np.float32), fill_type=FillType.OuterOffset)
    for points, offsets in zip(*filled.filled(0.5, np.inf), strict=True):
        rings = [_corners(points[start : stop - 1]) for start, stop in pairwise(offsets)]
        yield _keyholes(rings[0], rings[1:]) + np.array([first_column - 1, first_row - 1])


def _corners(ring: Outline) -> Outline:
    """Without the points that lie on a straight line between their neighbours."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    bends = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    corners: Outline = ring[bends]
    return corners


def _keyholes(outer: Outline, holes: list[Outline]) -> Outline:
    """One ring of an outer one and its holes, each joined, from the outside in, where it comes nearest to the ring."""
    ring = outer
    for hole in sorted(holes, key=lambda hole: _nearest(outer, hole)[0]):
        _, here, there = _nearest(ring, hole)
        entered = np.roll(hole, -there, axis=0)
        # In, around the hole to where it was entered, and back.
        ring = np.concatenate([ring[: here + 1], entered, entered[:1], ring[here:]])
    return ring


def _nearest(ring: Outline, hole: Outline) -> tuple[float, int, int]:
    """Squared distance and the two points' indices."""
    squared = ((ring[:, None] - hole[None]) ** 2).sum(axis=2)
    here, there = np.unravel_index(squared.argmin(), squared.shape)
    return float(squared[here, there]), int(here), int(there)
