"""Sacrum and coccyx out of the source's one solid piece: sacral canal, foramina, the joints with L5, and the cut.

Measures (adult means): canal 30 by 15 mm at S1 and 10 by 4 mm at its hiatus, anterior foramina 9 mm wide at S1 and
7 mm at S4, after Gray's Anatomy (41st ed.) and Esses et al., Spine 16:S283 (1991).
"""

import numpy as np
from scipy.spatial.transform import Rotation

from sneakynet.phantom.implicit import bar, contoured, distance_of, distance_on, united, without
from sneakynet.phantom.surface import Surface, grown, subdivided
from sneakynet.phantom.vertebra_shape import upper_facets
from sneakynet.phantom.vertebral_column import Vertebra

_SPACING = 2.2  # mm
_SMOOTHING_LOSS = 0.5  # mm that rounding the coarse source takes off; given back
# Degrees: the source's sacrum leans back by 19 with its coccyx, 25 without; adults have a sacral slope of 40, standard
# deviation 8 (Legaye et al., Eur Spine J 7:99, 1998; Vialle et al., J Bone Joint Surg Am 87:260, 2005).
_TURNED_FORWARD = 10.0
_SHIFT = (0.0, -11.0, 5.5)  # mm: back and up, under L5
_SACROILIAC_GAP = 1.5  # mm
_COCCYX = (0.20, 0.34)  # share of the height, from the tip, within which the neck above the coccyx is looked for
_JOINT_GAP = 2.0  # mm
_FACET_ROOM = 18.0  # mm around the source: the joints with L5 rise above it
_HIATUS = 0.78  # share of the sacrum's height at which the canal ends
_FORAMINA = ((0.22, 17.0, 4.6), (0.42, 15.5, 4.2), (0.60, 14.0, 3.8), (0.76, 12.5, 3.4))  # depth share, x, radius


def sacrum_and_coccyx(piece: Surface, lumbar: Vertebra, *, hips: Surface) -> tuple[Surface, Surface]:
    """Two closed surfaces, RAS mm.

    Args:
        piece: the source's sacrum, which ends in the coccyx.
        lumbar: L5, with which the sacrum forms two joints and which it must not enter.
        hips: the hip bones, between which it lies and which it must not enter.
    """
    middle = float(lumbar.origin[0])
    piece = piece.moved(_seated(piece.vertices, middle))
    field, start = distance_of(grown(subdivided(piece), _SMOOTHING_LOSS), spacing=_SPACING, margin=_FACET_ROOM)
    axes = [s + _SPACING * np.arange(n, dtype=np.float32) for s, n in zip(start, field.shape, strict=True)]
    x, y, z = np.abs(axes[0] - middle)[:, None, None], axes[1][None, :, None], axes[2][None, None, :]

    rows = np.flatnonzero((field < 0).any((0, 1)))
    area = (field < 0).sum((0, 1))
    bottom, top = rows[0], rows[-1]
    low, high = (bottom + int(share * (top - bottom)) for share in _COCCYX)
    neck = low + int(area[low:high].argmin())
    front, back = _midline(field, np.abs(axes[0] - middle) < 3, axes[1])

    # From the top of the sacrum (0) to the coccyx (1).
    depth = np.clip((axes[2][top] - axes[2]) / (axes[2][top] - axes[2][neck]), 0, 1)
    thickness = front - back
    half_width = np.interp(depth, (0, _HIATUS), (14.0, 5.0))
    half_depth = np.minimum(np.interp(depth, (0, _HIATUS), (7.5, 2.2)), np.maximum(0.22 * thickness, 0.5))
    centre = back + 0.30 * thickness
    canal = (np.sqrt((x / half_width) ** 2 + ((y - centre) / half_depth) ** 2) - 1) * half_depth
    canal = np.where(depth < _HIATUS, canal, np.float32(1e3))
    for share, beside, radius in _FORAMINA:
        row = int(np.abs(depth - share).argmin())
        ahead, behind = (
            (beside, float(front[row]) + 8, float(axes[2][row]) - 7),
            (
                beside,
                float(back[row]) - 8,
                float(axes[2][row]) + 7,
            ),
        )
        tunnel = bar((x, y, z), ahead, behind, radius=radius, across=(0.0, 0.0, 1.0), radius_across=radius)
        field = without(field, tunnel, blend=1.5)
    field = without(field, canal, blend=1.0)

    local = lumbar.to_local((axes[0][:, None, None], y, z))
    field = united(field, *upper_facets(lumbar.below, lumbar.shape, local), blend=4.0)
    field = np.maximum(field, _JOINT_GAP - lumbar.solid(local))
    field = np.maximum(field, _SACROILIAC_GAP - distance_on(hips, origin=start, shape=field.shape, spacing=_SPACING))
    cut = z - axes[2][neck]
    return (
        contoured(np.maximum(field, _JOINT_GAP / 2 - cut), origin=start, spacing=_SPACING),
        contoured(np.maximum(field, _JOINT_GAP / 2 + cut), origin=start, spacing=_SPACING),
    )


def _seated(vertices: np.ndarray, middle: float) -> np.ndarray:
    """The source's corners turned in the sacroiliac joints and moved under L5."""
    # The joints face sideways, in the upper half: turning about the axis between them keeps them together.
    low, high = vertices.min(0), vertices.max(0)
    axis = np.array([middle, (low[1] + high[1]) / 2, low[2] + 0.7 * (high[2] - low[2])])
    turn = Rotation.from_euler("x", -_TURNED_FORWARD, degrees=True)
    seated: np.ndarray = turn.apply(vertices - axis) + axis + _SHIFT
    return seated


def _midline(field: np.ndarray, near: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Front and back of the bone near the middle line, mm, by row."""
    inside = (field[near] < 0).any(0)
    front = np.where(inside, y[:, None], -np.inf).max(0)
    back = np.where(inside, y[:, None], np.inf).min(0)
    known = inside.any(0)
    rows = np.arange(len(known))
    return np.interp(rows, rows[known], front[known]), np.interp(rows, rows[known], back[known])
