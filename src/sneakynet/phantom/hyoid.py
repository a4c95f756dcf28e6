"""The hyoid, which the source lacks: a body, two greater and two lesser horns.

Measures (adult means, both sexes): body 24 mm wide, 11 mm tall, greater horns 30 mm long, 38 mm apart at their ends;
Fisher et al., Folia Morphol 75:171 (2016) and Gray's Anatomy (41st ed.).
"""

import numpy as np

from sneakynet.phantom.implicit import bar, contoured, ellipsoid, lattice, united
from sneakynet.phantom.surface import Surface

_SPACING = 1.4  # mm


def hyoid() -> Surface:
    """Closed surface, mm; origin in the middle of the body, x to the right, y to the front, z up."""
    points, start = lattice((0.0, -37.0, -9.0), (24.0, 6.0, 13.0), spacing=_SPACING, half=True)
    up = (0.0, 0.0, 1.0)
    body = united(
        bar(points, (0.0, 0.0, 0.0), (9.5, -2.5, 0.5), radius=2.7, across=up, radius_across=5.3),
        ellipsoid(points, (0.0, 1.2, 0.0), (6.0, 3.0, 4.8)),
        blend=2.0,
    )
    near = bar(points, (10.5, -3.0, 1.0), (17.0, -18.0, 3.0), radius=2.1, across=up, radius_across=3.2)
    far = bar(points, (17.0, -18.0, 3.0), (18.5, -31.0, 6.0), radius=1.9, across=up, radius_across=2.4)
    tip = ellipsoid(points, (18.5, -31.5, 6.0), (2.6, 2.8, 2.6))
    lesser = bar(points, (10.5, -3.5, 4.0), (12.5, -6.5, 9.5), radius=1.6, across=(0.0, 1.0, 0.0), radius_across=1.6)
    field = united(body, near, far, tip, lesser, blend=1.5)
    return contoured(np.asarray(field), origin=start, spacing=_SPACING, half=True)
