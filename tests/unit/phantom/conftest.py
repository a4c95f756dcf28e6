"""The simplest closed surface, and a whole person."""

from collections.abc import Callable

import numpy as np
import pytest

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.person import Person, PersonSettings, draw_person
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


@pytest.fixture(scope="session")
def person() -> Person:
    """Somebody."""
    return draw_person(np.random.default_rng(7), PersonSettings())


@pytest.fixture(scope="session")
def body_grid(person: Person) -> Grid:
    """8 mm voxels around all bones of the trunk, the head and the arms."""
    points = np.concatenate(
        [s.vertices for name, s in person.surfaces.items() if "ibia" not in name and "ibul" not in name]
    )
    low, high = points.min(0) - 80, points.max(0) + 60
    x, y, z = (float(c) for c in low)
    i, j, k = (int(n) for n in np.ceil((high - low) / 8))
    return Grid((x, y, z), (i, j, k), 8.0)
