from dataclasses import replace

import numpy as np
import pytest

from sneakynet.phantom.limbs import LimbSize, forearm, hand, resized, where
from sneakynet.phantom.skeleton import skeleton

SAME = LimbSize(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def posed():
    return skeleton().posed({"shoulder_elv_l": 1.0, "elbow_flexion_l": 1.2, "knee_angle_l": 0.5})


def length(surfaces, start, end):
    return np.linalg.norm(where(surfaces, start, "left") - where(surfaces, end, "left"))


def test_factors_of_one_change_nothing(posed):
    same = resized(posed, "left", SAME)
    for name, surface in same.items():
        np.testing.assert_allclose(surface.vertices, posed[name].vertices, atol=1e-9)


def test_a_longer_humerus_takes_forearm_and_hand_along(posed):
    longer = resized(posed, "left", replace(SAME, upper_arm=1.1))
    assert length(longer, "shoulder", "elbow") == pytest.approx(1.1 * length(posed, "shoulder", "elbow"), rel=1e-3)
    shift = longer["ulna_left"].vertices[0] - posed["ulna_left"].vertices[0]
    for name in (*forearm("left"), *hand("left")):
        np.testing.assert_allclose(
            longer[name].vertices - posed[name].vertices, np.tile(shift, (len(posed[name].vertices), 1)), atol=1e-6
        )
    np.testing.assert_array_equal(longer["humerus_right"].vertices, posed["humerus_right"].vertices)


def test_girth_leaves_length(posed):
    thicker = resized(posed, "left", replace(SAME, leg_girth=1.1))
    assert length(thicker, "hip", "knee") == pytest.approx(length(posed, "hip", "knee"), rel=2e-3)
    assert thicker["femur_left"].volume == pytest.approx(1.21 * posed["femur_left"].volume, rel=1e-3)


def test_hand_scales_as_a_whole(posed):
    larger = resized(posed, "left", replace(SAME, hand=1.05))
    for name in hand("left"):
        assert larger[name].volume == pytest.approx(1.05**3 * posed[name].volume, rel=1e-3)
