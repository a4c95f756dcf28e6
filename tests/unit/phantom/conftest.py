"""The simplest closed surface."""

from collections.abc import Callable

import numpy as np
import pytest

from sneakynet.phantom.surface import Surface

# Two triangles for each side, turned outwards.
FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
)


@pytest.fixture(scope="session")
def cuboid() -> Callable[[float, float, float], Surface]:
    """Makes a cuboid of given edges (mm) with a corner at the origin."""

    def make(i: float, j: float, k: float) -> Surface:
        corners = np.array([[x, y, z] for x in (0.0, i) for y in (0.0, j) for z in (0.0, k)])
        return Surface(corners, FACES)

    return make
