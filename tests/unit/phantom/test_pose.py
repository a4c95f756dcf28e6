import numpy as np
import pytest
from scipy.spatial import cKDTree

from sneakynet.errors import SettingError
from sneakynet.phantom.limbs import SIDES, arm, hand, thin_skeleton, where
from sneakynet.phantom.pose import POSES, PoseSettings, draw_fitting_pose, with_open_jaw
from sneakynet.phantom.skeleton import skeleton


def only(kind, **settings):
    shares = dict.fromkeys(POSES, 0.0) | {kind: 1.0}
    return PoseSettings(**shares, **settings)


@pytest.mark.parametrize("kind", POSES)
def test_arms_lie_where_the_pose_says(kind):
    for seed in range(3):
        pose = draw_fitting_pose(np.random.default_rng(seed), only(kind))
        assert pose.name == kind
        surfaces = skeleton().posed(pose.angles)
        for side, lies in zip(SIDES, pose.arms, strict=True):
            palm = surfaces[f"metacarpal_{side}_3"].vertices.mean(0)
            shoulder = where(surfaces, "shoulder", side)
            assert (palm[2] > shoulder[2]) == (lies == "up")
            if lies == "belly":
                assert palm[1] > surfaces["sternum"].vertices[:, 1].max()


def test_hands_of_two_arms_and_their_fingers_are_clear_of_each_other():
    for seed in range(4):
        pose = draw_fitting_pose(np.random.default_rng(seed), only("hands_on_belly"))
        surfaces = thin_skeleton().posed(pose.angles)
        right, left = (np.concatenate([surfaces[n].vertices for n in hand(side)]) for side in SIDES)
        assert cKDTree(right).query(left)[0].min() > 10


def test_same_seed_same_pose():
    first, second = (draw_fitting_pose(np.random.default_rng(7), PoseSettings()) for _ in range(2))
    assert first == second


def test_knees_bend_with_a_cushion():
    bent = draw_fitting_pose(np.random.default_rng(0), PoseSettings(knee_support=1.0))
    straight = draw_fitting_pose(np.random.default_rng(0), PoseSettings(knee_support=0.0))
    assert bent.angles["knee_angle_r"] > 0.1
    assert straight.angles["knee_angle_r"] < 0.3


def test_an_open_jaw_hangs_lower_and_keeps_its_joint():
    rest = skeleton().posed({})
    shut, opened = rest["mandible"].vertices, with_open_jaw(rest, 0.3)["mandible"].vertices
    assert opened[:, 2].min() < shut[:, 2].min() - 10
    condyles = shut[:, 2] > shut[:, 2].max() - 3
    assert np.abs(opened - shut)[condyles].max() < 12


def test_arm_names_are_the_tables():
    assert set(arm("left")) <= set(skeleton().posed({}))
    assert len(hand("left")) == 27


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"arms_up": -0.1}, "must not be negative"),
        (dict.fromkeys(POSES, 0.0), "one must be above 0"),
        ({"finger_curl": (0.5, 0.1)}, r"finger_curl is a low and a high value .*got \(0.5, 0.1\)"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(SettingError, match=message):
        PoseSettings(**settings)
