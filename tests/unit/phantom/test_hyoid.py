import numpy as np
import pytest

from sneakynet.phantom.hyoid import hyoid
from sneakynet.phantom.surface import components


def test_the_hyoid_is_one_closed_horseshoe_of_adult_size():
    bone = hyoid()
    assert bone.n_open_edges == 0
    assert len(components(bone)) == 1
    assert 1200 < bone.volume < 4000
    width, depth, height = np.ptp(bone.vertices, axis=0)
    assert 36 < width < 48
    assert 30 < depth < 45
    assert 10 < height < 22
    # Open to the back: nothing on the middle plane behind the body.
    assert bone.vertices[np.abs(bone.vertices[:, 0]) < 5, 1].min() > -6


def test_the_hyoid_is_symmetrical():
    x = hyoid().vertices[:, 0]
    assert x.min() == pytest.approx(-x.max(), abs=1e-4)
