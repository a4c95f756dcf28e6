import numpy as np
import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.build import Build
from sneakynet.phantom.shape import ShapeSettings, draw_shape, placed
from sneakynet.phantom.skeleton import skeleton

NAMES = ["vertebrae_T8", "lunate_left", "femur_left", "rib_left_4"]


def draws(build, settings=None, n=200):
    rng = np.random.default_rng(0)
    return [draw_shape(rng, NAMES, build, ShapeSettings() if settings is None else settings) for _ in range(n)]


def test_only_small_bones_have_a_size_of_their_own_and_none_outgrows_its_place():
    for shape in draws(Build("male", 50.0, 1.76, 75.0), n=30):
        assert set(shape.bone_scale) == {"vertebrae_T8", "lunate_left"}
        assert all(0.95 <= f <= 1.015 for f in shape.bone_scale["vertebrae_T8"])
        assert all(0.93 <= f <= 1 for f in shape.bone_scale["lunate_left"])


def test_heavier_people_have_wider_chests():
    slim, heavy = (
        np.mean([s.girth.chest for s in draws(Build("male", 50.0, 1.76, weight))], axis=0) for weight in (62.0, 120.0)
    )
    assert (heavy > slim + 0.04).all()


def test_women_have_wider_pelves_for_their_chest():
    man, woman = (
        np.mean([s.girth.pelvis[0] / s.girth.chest[0] for s in draws(Build(sex, 50.0, 1.7, 70.0))])
        for sex in ("male", "female")
    )
    assert woman > man + 0.04


def test_some_lie_askew():
    turns = np.rad2deg([np.linalg.norm(s.rotation) for s in draws(Build("male", 50.0, 1.76, 75.0), n=600)])
    assert 0.02 < (turns > 11).mean() < 0.12
    assert turns.max() < 25


def test_a_body_is_centred_and_scaled():
    rest = {n: surface for n, surface in skeleton().posed({}).items() if n.startswith("vertebrae") or n == "sacrum"}
    shape = draws(Build("female", 50.0, 1.6, 60.0), ShapeSettings(warp=(), rotation=0.0, oblique_share=0.0), n=1)[0]
    after = placed(rest, shape)
    vertices = np.concatenate([surface.vertices for surface in after.values()])
    np.testing.assert_allclose((vertices.min(0) + vertices.max(0))[1:], 0, atol=1e-6)
    assert abs(after["sacrum"].vertices[:, 0].mean()) < 1e-6
    assert after["vertebrae_L3"].volume == pytest.approx((1.6 / 1.76) ** 3 * rest["vertebrae_L3"].volume, rel=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warp": ((50.0, 10.0),)}, "at most 6 % of its pitch.*50.0 mm with 10.0 mm"),
        ({"oblique_share": 2.0}, "oblique_share is a share from 0 to 1, got 2.0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(SettingError, match=message):
        ShapeSettings(**settings)
