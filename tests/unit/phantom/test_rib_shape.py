import numpy as np
import pytest

from sneakynet.phantom.rib_shape import fitted_rib
from sneakynet.phantom.surface import Surface, merged
from sneakynet.phantom.vertebral_column import place_vertebrae

LEVELS = [f"C{n}" for n in range(2, 8)] + [f"T{n}" for n in range(1, 13)] + [f"L{n}" for n in range(1, 6)]


@pytest.fixture(scope="module")
def vertebra():
    z = np.linspace(520, 0, len(LEVELS))
    centres = {level: np.array([0.0, 0.0, z[n]]) for n, level in enumerate(LEVELS)}
    return place_vertebrae(centres, top=np.array([0.0, 0.0, 546.0]))[12]


@pytest.fixture
def rib(cuboid, vertebra):
    """A straight bar of many pieces, from 12 mm beside where the head belongs out to the right."""
    surface = cuboid(260.0, 5.0, 11.0)
    for _ in range(4):
        a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
        middles = np.concatenate([(a + b) / 2, (b + c) / 2, (c + a) / 2])
        n, m = len(surface.vertices), len(surface.faces)
        ab, bc, ca = (np.arange(m) + n + k * m for k in range(3))
        f = surface.faces
        faces = [[f[:, 0], ab, ca], [f[:, 1], bc, ab], [f[:, 2], ca, bc], [ab, bc, ca]]
        surface = merged(
            Surface(np.concatenate([surface.vertices, middles]), np.concatenate([np.stack(t, 1) for t in faces]))
        )
    return surface.moved(surface.vertices + vertebra.origin + [20.0, -22.0, -12.0])


def test_the_head_reaches_its_vertebra_and_the_far_end_stays(rib, vertebra):
    fitted = fitted_rib(rib, 6, vertebra=vertebra)
    assert fitted.n_open_edges == 0
    vertices = fitted.vertices
    distance = vertebra.solid(vertebra.to_local((vertices[:, 0], vertices[:, 1], vertices[:, 2])))
    assert -1 < distance.min() < 4
    assert np.abs(vertices.max(0)[0] - rib.vertices.max(0)[0]) < 1.6


def test_it_is_thicker_than_the_source(rib, vertebra):
    assert 1.2 < fitted_rib(rib, 6, vertebra=vertebra).volume / rib.volume < 2.2
