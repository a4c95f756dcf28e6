"""Volume."""

import numpy as np
import pytest

from sneakynet.export.meshes.borders import find_borders
from sneakynet.export.meshes.closed import closed_surface
from sneakynet.export.meshes.fitted import fitted, vertex_normals


def block():
    labels = np.zeros((10, 10, 10), dtype=np.uint8)
    labels[1:9, 1:9, 1:9] = 1
    borders = find_borders(labels)
    return closed_surface(borders, borders.points, label=1).surface


@pytest.mark.parametrize("volume", [480.0, 560.0])
def test_a_volume_is_reached(volume):
    surface = block()
    free = np.ones(len(surface.vertices), dtype=bool)
    fit = fitted(surface, vertex_normals(surface), volume=volume, free=free, step=1.0)
    assert fit.signed_volume == pytest.approx(volume, rel=1e-3)


def test_what_is_shared_stays_and_nothing_moves_far():
    surface = block()
    free = surface.vertices[:, 0] < 5
    fit = fitted(surface, vertex_normals(surface), volume=2000.0, free=free, step=1.0)
    moved = np.linalg.norm(fit.vertices - surface.vertices, axis=1)
    assert moved[~free].max() == 0
    assert moved[free].max() == pytest.approx(0.5)
