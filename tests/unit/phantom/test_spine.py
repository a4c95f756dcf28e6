from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from sneakynet.phantom.limbs import arm
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.spine import Girth, SpineSettings, SpineShape, bent, draw_spine

STRAIGHT = SpineShape(
    kyphosis=0.0,
    lordosis=0.0,
    neck_flexion=0.0,
    head_turn=0.0,
    head_tilt=0.0,
    cobb=0.0,
    apex="vertebrae_T8",
    counter_curve=0.0,
    rib_rise=0.0,
    lengths=(1.0, 1.0, 1.0),
)
SOURCE = Girth(1.0, (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))


@pytest.fixture(scope="module")
def rest():
    return skeleton().posed({})


def turn(after, before, name):
    """How a bone is turned, as degrees about x, y and z."""
    a, b = (s[name].vertices - s[name].vertices.mean(0) for s in (after, before))
    return np.rad2deg(Rotation.align_vectors(a, b)[0].as_rotvec())


def test_nothing_asked_nothing_changed(rest):
    for name, surface in bent(rest, STRAIGHT, SOURCE).items():
        np.testing.assert_allclose(surface.vertices, rest[name].vertices, atol=0.05)


def test_kyphosis_bends_the_chest_by_its_angle(rest):
    after = bent(rest, replace(STRAIGHT, kyphosis=30.0), SOURCE)
    upper, lower = turn(after, rest, "vertebrae_T1")[0], turn(after, rest, "vertebrae_T12")[0]
    assert lower - upper == pytest.approx(30, abs=3)


def test_lordosis_bends_the_loin_the_other_way(rest):
    after = bent(rest, replace(STRAIGHT, lordosis=20.0), SOURCE)
    assert turn(after, rest, "vertebrae_T12")[0] - turn(after, rest, "sacrum")[0] == pytest.approx(20, abs=2)


def test_cobb_angle_is_the_largest_between_two_vertebrae(rest):
    after = bent(rest, replace(STRAIGHT, cobb=24.0), SOURCE)
    tilts = [turn(after, rest, f"vertebrae_T{n}")[1] for n in range(1, 13)]
    assert max(tilts) - min(tilts) == pytest.approx(24, abs=3)


def test_head_turns_as_one_piece(rest):
    after = bent(rest, replace(STRAIGHT, head_turn=20.0), SOURCE)
    assert turn(after, rest, "skull")[2] == pytest.approx(20, abs=0.5)
    assert after["skull"].volume == pytest.approx(rest["skull"].volume, rel=1e-6)
    np.testing.assert_allclose(turn(after, rest, "scapula_left"), 0, atol=1)


def test_ribs_rise_in_front_and_stay_behind(rest):
    after = bent(rest, replace(STRAIGHT, rib_rise=6.0), SOURCE)
    rise = {name: (after[name].vertices - rest[name].vertices)[:, 2] for name in ("sternum", "vertebrae_T6")}
    assert rise["sternum"].mean() > 8
    assert abs(rise["vertebrae_T6"].mean()) < 2


def test_ribs_follow_their_vertebrae(rest):
    after = bent(rest, replace(STRAIGHT, cobb=20.0, kyphosis=20.0), SOURCE)
    for n in range(1, 12):
        gaps = []
        for surfaces in (rest, after):
            rib, vertebra = surfaces[f"rib_left_{n}"].vertices, surfaces[f"vertebrae_T{n}"].vertices
            gaps.append(cKDTree(vertebra).query(rib)[0].min())
        assert abs(gaps[1] - gaps[0]) < 2.5


def test_arms_move_with_their_shoulder_and_keep_their_form(rest):
    after = bent(rest, replace(STRAIGHT, cobb=20.0), SOURCE)
    shifts = np.concatenate([after[name].vertices - rest[name].vertices for name in arm("left")])
    assert np.abs(shifts - shifts[0]).max() < 1e-6
    assert np.linalg.norm(shifts[0]) > 1


def test_a_wider_pelvis_carries_the_legs(rest):
    after = bent(rest, STRAIGHT, replace(SOURCE, pelvis=(1.1, 1.0)))
    apart = [s["femur_right"].vertices[:, 0].mean() - s["femur_left"].vertices[:, 0].mean() for s in (rest, after)]
    assert apart[1] > apart[0] + 10


def test_kyphosis_grows_with_age():
    rng = np.random.default_rng(0)
    young, old = (np.mean([draw_spine(rng, SpineSettings(), age=a).kyphosis for _ in range(400)]) for a in (30.0, 80.0))
    assert 6 < old - young < 14


def test_ribs_stay_as_thick_on_both_sides_of_a_curve(rest):
    after = bent(rest, replace(STRAIGHT, cobb=13.0, kyphosis=20.0), SOURCE)
    for side in ("left", "right"):
        for n in range(3, 11):
            name = f"rib_{side}_{n}"
            assert after[name].volume == pytest.approx(rest[name].volume, rel=0.3), name
