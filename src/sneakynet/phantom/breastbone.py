"""Manubrium, body of the sternum and costal cartilage out of the source's one breast plate.

Measures (adult means): the manubrium is about a third of manubrium and body together and 50 to 60 mm wide above the
first costal notch, the body 35 to 40 mm; Selthofer et al., Coll Antropol 30:43 (2006), Gray's Anatomy (41st ed.).
"""

import numpy as np

from sneakynet.phantom.surface import Surface, clipped, grown, joined, subdivided

_HALF_BODY = 19.0  # mm: half the width of the body
_HALF_TOP = 29.0  # mm: half the width of the manubrium, at its top
_ANGLE = 0.29  # share of the plate's length (with xiphoid) at which the sternal angle lies
_THICKER = 1.1  # mm all round: the source's plate is 6 mm thick, adults' 9 to 12 (Selthofer et al.)
_SYMPHYSIS = 2.5  # mm between manubrium and body


def breastbone(plate: Surface, *, middle: float) -> dict[str, Surface]:
    """``manubrium``, ``sternum``, ``cartilage_left`` and ``cartilage_right``: closed, RAS mm.

    Args:
        plate: sternum and costal cartilage in one closed piece.
        middle: x of the body's middle plane.
    """
    plate = grown(subdivided(plate), _THICKER)
    inner = plate.vertices[np.abs(plate.vertices[:, 0] - middle) < _HALF_BODY]
    centred = inner - inner.mean(0)
    centred[:, 0] = 0
    down = np.linalg.svd(centred, full_matrices=False)[2][0]
    down *= -np.sign(down[2])
    along = (inner - inner.mean(0)) @ down
    top, length = inner.mean(0) + along.min() * down, float(np.ptp(along))
    top[0] = middle
    angle = top + _ANGLE * length * down
    upper, lower = clipped(plate, point=angle, normal=-down), clipped(plate, point=angle, normal=down)
    gap = _SYMPHYSIS / 2 * down

    # The manubrium narrows from top to angle; its sides are planes that contain the plate's thickness.
    narrowing = (_HALF_TOP - _HALF_BODY) / (_ANGLE * length)
    manubrium, sternum = upper, lower
    cartilage = {}
    for side, sign in (("right", 1.0), ("left", -1.0)):
        outwards = np.array([sign, 0.0, 0.0])
        edge, slanted = angle + _HALF_BODY * outwards, outwards + narrowing * down
        slanted /= np.linalg.norm(slanted)
        cartilage[f"cartilage_{side}"] = joined(
            [clipped(upper, point=edge, normal=slanted), clipped(lower, point=edge, normal=outwards)]
        )
        manubrium = clipped(manubrium, point=edge, normal=-slanted)
        sternum = clipped(sternum, point=edge, normal=-outwards)
    return {
        "manubrium": clipped(manubrium, point=angle - gap, normal=-down),
        "sternum": clipped(sternum, point=angle + gap, normal=down),
        **cartilage,
    }
