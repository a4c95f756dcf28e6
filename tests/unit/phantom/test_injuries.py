import numpy as np
import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.injuries import Fracture, Injuries, InjurySettings, draw_injuries, with_injuries
from sneakynet.phantom.limbs import forearm, hand
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.surface import components


@pytest.fixture(scope="module")
def rest():
    return skeleton().posed({})


def broken(bone, **changes):
    values = {"at": 0.5, "slant": (0.2, 0.0), "shift": (4.0, 0.0, 0.0), "turn": (0.1, 0.0, 0.0)} | changes
    return Injuries((Fracture(bone, **values),), {}, ())


@pytest.mark.parametrize("bone", ["humerus_left", "radius_right", "femur_left", "clavicula_right", "rib_left_6"])
def test_a_broken_bone_is_two_closed_pieces_of_the_same_volume(rest, bone):
    after = with_injuries(rest, broken(bone))[bone]
    assert after.n_open_edges == 0
    pieces = [piece for piece in components(after) if piece.volume > 200]
    assert len(pieces) == 2
    assert sum(piece.volume for piece in pieces) == pytest.approx(rest[bone].volume, rel=0.02)


def test_what_hangs_on_a_broken_bone_moves_with_it(rest):
    after = with_injuries(rest, broken("humerus_left", turn=(0.0, 0.0, 0.0)))
    for name in (*forearm("left"), *hand("left")):
        np.testing.assert_allclose((after[name].vertices - rest[name].vertices)[0], [4, 0, 0], atol=1e-6)
    assert after["scapula_left"] is rest["scapula_left"]


def test_a_cut_limb_ends(rest):
    after = with_injuries(rest, Injuries((), {"femur_right": 0.4}, ("patella_right", "r_tibia", "r_fibula")))
    assert {"patella_right", "r_tibia", "r_fibula"}.isdisjoint(after)
    assert after["femur_right"].n_open_edges == 0
    whole, stump = rest["femur_right"].vertices[:, 2], after["femur_right"].vertices[:, 2]
    assert stump.max() == pytest.approx(whole.max(), abs=1)
    assert stump.min() > whole.min() + 0.5 * np.ptp(whole)


def test_humerus_and_femur_are_never_wholly_missing():
    rng = np.random.default_rng(0)
    settings = InjurySettings(missing_arm=0.5, missing_leg=0.5, missing_fingers=1.0)
    for _ in range(200):
        missing = draw_injuries(rng, settings).missing
        assert not any(name.startswith(("humerus", "femur")) for name in missing)


def test_every_drawn_injury_can_be_applied(rest):
    rng = np.random.default_rng(0)
    settings = InjurySettings(long_bone_fracture=1.0, rib_fractures=1.0, missing_arm=0.3, missing_fingers=0.5)
    for _ in range(12):
        after = with_injuries(rest, draw_injuries(rng, settings))
        assert all(surface.n_open_edges == 0 for name, surface in after.items() if surface is not rest[name])


def test_bad_rates_are_named():
    with pytest.raises(SettingError, match=r"shares from 0 to 1, got .*missing_leg"):
        InjurySettings(missing_leg=-1.0)
