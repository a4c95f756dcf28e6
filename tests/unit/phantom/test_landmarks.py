import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sneakynet.errors import SettingError
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.person import Person


def test_the_frame_turns_with_the_person(person: Person) -> None:
    turn = Rotation.from_euler("zyx", [15, -8, 5], degrees=True).as_matrix()
    turned = {name: s.moved(s.vertices @ turn.T + np.array([30.0, -9.0, 400.0])) for name, s in person.surfaces.items()}
    np.testing.assert_allclose(Landmarks(turned).bodies, Landmarks(person.surfaces).bodies, atol=1e-6)


def test_right_is_positive_and_the_head_is_up(person: Person) -> None:
    marks = Landmarks(person.surfaces)
    assert marks.points("hip_right")[:, 0].mean() > 40 > -40 > marks.points("hip_left")[:, 0].mean()
    assert marks.level("T1") > marks.level("L5") > marks.level("sacrum")
    assert marks.points("sternum")[:, 1].mean() > marks.at("T6", (0.0, 30.0, 0.0))[1]


def test_a_missing_vertebra_lies_between_its_neighbours(person: Person) -> None:
    whole = Landmarks(person.surfaces)
    fewer = Landmarks({name: s for name, s in person.surfaces.items() if name != "vertebrae_L3"})
    assert fewer.level("L3") == pytest.approx(whole.level("L3"), abs=12)


def test_a_hips_ball_lies_beside_its_socket(person: Person) -> None:
    marks = Landmarks(person.surfaces)
    ball = marks.ball("femur_left", "hip_left")
    assert ball is not None
    assert np.linalg.norm(marks.points("hip_left") - ball, axis=1).min() < 30
    assert marks.ball("femur_left", "no such bone") is None


def test_a_skeleton_without_a_trunk_is_refused(person: Person) -> None:
    with pytest.raises(SettingError, match=r"no surface is named vertebrae_T, sternum"):
        Landmarks(
            {n: s for n, s in person.surfaces.items() if not n.startswith(("vertebrae_T", "sternum", "manubrium"))}
        )
