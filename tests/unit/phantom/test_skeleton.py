import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.phantom.skeleton import CARTILAGE, LOWER_LEG, skeleton

MISSING_IN_SOURCE = {"hyoid", "coccyx", "manubrium"}


@pytest.fixture(scope="module")
def at_rest():
    return skeleton().posed({})


def test_every_bone_of_the_table_but_three_is_there(at_rest):
    bones = {name for name in at_rest if not name.startswith(CARTILAGE) and name not in LOWER_LEG}
    assert bones == set(BoneTable.default().names) - MISSING_IN_SOURCE


def test_every_surface_is_watertight(at_rest):
    assert {name: s.n_open_edges for name, s in at_rest.items() if s.n_open_edges} == {}


def test_left_lies_left_of_right(at_rest):
    table = BoneTable.default()
    for bone in table:
        if bone.side == "left" and bone.name in at_rest:
            assert at_rest[bone.name].vertices[:, 0].mean() < at_rest[bone.mirror].vertices[:, 0].mean(), bone.name


def test_spine_and_ribs_follow_each_other_from_the_head_down(at_rest):
    table = BoneTable.default()
    for series, height in (("vertebra", np.mean), ("rib_left", np.max), ("rib_right", np.max)):
        members = sorted((b for b in table if b.series == series), key=lambda b: b.index)
        heights = [height(at_rest[b.name].vertices[:, 2]) for b in members]
        assert heights == sorted(heights, reverse=True), series
        assert len(members) == (24 if series == "vertebra" else 12)


def test_the_first_rib_meets_the_first_thoracic_vertebra(at_rest):
    for side in ("left", "right"):
        for n in range(1, 13):
            rib = at_rest[f"rib_{side}_{n}"].vertices
            distances = {
                m: np.linalg.norm(rib[:, None] - at_rest[f"vertebrae_T{m}"].vertices[None], axis=-1).min()
                for m in range(1, 13)
            }
            # A rib's head lies between its own vertebra and the one above.
            assert min(distances, key=distances.get) in (n - 1, n), (side, n)


def test_volumes_are_those_of_an_adult(at_rest):
    # Naive filling of the source's open humerus gives 47 ml.
    limits = {"humerus_left": (120, 170), "femur_right": (280, 450), "vertebrae_L3": (30, 90), "rib_left_7": (8, 30)}
    for name, (low, high) in limits.items():
        assert low < at_rest[name].volume / 1000 < high, name


def test_the_sternum_is_cut_from_its_cartilage(at_rest):
    assert np.ptp(at_rest["sternum"].vertices[:, 0]) == pytest.approx(40, abs=0.5)
    assert at_rest[f"{CARTILAGE}_left"].vertices[:, 0].max() <= at_rest["sternum"].vertices[:, 0].min() + 0.01


def test_couplings_follow_their_driver():
    moved = skeleton().posed({"shoulder_elv_r": 2.5})
    at_rest = skeleton().posed({})
    # Raising the arm turns the scapula with it; without the couplings it would stay.
    turned = np.abs(moved["scapula_right"].vertices - at_rest["scapula_right"].vertices).max()
    assert turned > 30
    assert moved["humerus_right"].vertices[:, 2].mean() > at_rest["humerus_right"].vertices[:, 2].mean() + 100
    np.testing.assert_allclose(moved["humerus_left"].vertices, at_rest["humerus_left"].vertices, atol=1e-6)


def test_joint_values_are_kept_within_their_range():
    limit = skeleton().joints["elbow_flexion_r"][1]
    beyond, at_limit = skeleton().posed({"elbow_flexion_r": 9.0}), skeleton().posed({"elbow_flexion_r": limit})
    np.testing.assert_allclose(beyond["radius_right"].vertices, at_limit["radius_right"].vertices)
