"""Fewer triangles."""

import numpy as np

from sneakynet.export.meshes.borders import find_borders
from sneakynet.export.meshes.closed import closed_surface
from sneakynet.export.meshes.simplified import simplified


def block():
    labels = np.zeros((8, 8, 8), dtype=np.uint8)
    labels[1:7, 1:7, 1:7] = 1
    borders = find_borders(labels)
    return closed_surface(borders, borders.points, label=1).surface


def test_a_block_needs_twelve_triangles():
    surface = block()
    none = np.zeros(len(surface.faces), dtype=bool)
    fewer, origin = simplified(surface, error=0.1, kept=none)
    assert len(fewer.faces) == 12
    assert fewer.two_per_edge
    np.testing.assert_array_equal(surface.vertices[origin], fewer.vertices)
    same, origin = simplified(surface, error=0.0, kept=none)
    assert same is surface
    np.testing.assert_array_equal(origin, np.arange(len(surface.vertices)))


def test_what_is_kept_is_left():
    surface = block()
    kept = (surface.vertices[surface.faces][:, :, 0] == 6.5).all(1)  # one side of the block
    fewer, _ = simplified(surface, error=0.1, kept=kept)
    there = (fewer.vertices[fewer.faces][:, :, 0] == 6.5).all(1)
    assert there.sum() == kept.sum() == 72
    assert len(fewer.faces) < 72 + 60
    assert fewer.two_per_edge


def test_a_crumb_within_the_error_stays():
    surface = block()
    fewer, _ = simplified(surface, error=10.0, kept=np.zeros(len(surface.faces), dtype=bool))
    assert len(fewer.faces) > 0
