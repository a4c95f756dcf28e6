from dataclasses import replace

import numpy as np
import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.variants import Variants, VariantSettings, draw_variants, with_variants

USUAL = Variants(rib_pairs=12, thirteenth=(), last_rib=1.0, cervical_ribs=(), cervical_rib=0.5, lumbar=5)


@pytest.fixture(scope="module")
def rest():
    return skeleton().posed({})


def height(surfaces, name):
    return surfaces[name].vertices[:, 2].mean()


def test_usual_numbers_change_nothing(rest):
    surfaces, unclassed = with_variants(rest, USUAL)
    assert surfaces == rest
    assert unclassed == frozenset()


def test_with_four_lumbar_vertebrae_the_fourth_sits_on_the_sacrum(rest):
    surfaces, unclassed = with_variants(rest, replace(USUAL, lumbar=4))
    assert set(rest) - set(surfaces) == {"vertebrae_L5"}
    assert unclassed == frozenset()
    assert height(surfaces, "vertebrae_L4") == pytest.approx(height(rest, "vertebrae_L5"), abs=6)
    assert height(surfaces, "skull") < height(rest, "skull") - 20
    assert height(surfaces, "femur_left") == height(rest, "femur_left")


def test_a_sixth_lumbar_vertebra_has_no_class_and_lifts_the_rest(rest):
    surfaces, unclassed = with_variants(rest, replace(USUAL, lumbar=6))
    assert unclassed == {"vertebrae_L6"}
    assert height(surfaces, "vertebrae_L6") == height(rest, "vertebrae_L5")
    assert height(surfaces, "vertebrae_L5") > height(rest, "vertebrae_L5") + 20
    order = [height(surfaces, f"vertebrae_L{n}") for n in range(1, 7)]
    assert order == sorted(order, reverse=True)


def test_ribs_come_and_go(rest):
    more, unclassed = with_variants(
        rest, replace(USUAL, rib_pairs=13, thirteenth=("left",), last_rib=0.5, cervical_ribs=("right",))
    )
    assert unclassed == {"rib_left_13", "rib_right_cervical"}
    assert height(more, "rib_left_13") < height(more, "rib_left_12")
    assert height(more, "rib_right_cervical") > height(more, "rib_right_1")
    fewer, _ = with_variants(rest, replace(USUAL, rib_pairs=11))
    assert set(rest) - set(fewer) == {"rib_left_12", "rib_right_12"}


def test_a_short_last_rib_keeps_its_head(rest):
    short = with_variants(rest, replace(USUAL, last_rib=0.5))[0]["rib_left_12"].vertices
    assert np.ptp(short[:, 0]) < 0.7 * np.ptp(rest["rib_left_12"].vertices[:, 0])
    assert short[:, 0].max() == pytest.approx(rest["rib_left_12"].vertices[:, 0].max(), abs=3)


def reach(surface, vertebra):
    return np.linalg.norm(surface.vertices - vertebra.vertices.mean(0), axis=1)


def test_a_long_twelfth_rib_keeps_its_head_and_its_thickness(rest):
    long = with_variants(rest, replace(USUAL, twelfth=(1.0, 2.0)))[0]
    assert long["rib_right_12"] is rest["rib_right_12"]
    own, source, spine = long["rib_left_12"], rest["rib_left_12"], rest["vertebrae_T12"]
    assert reach(own, spine).min() == pytest.approx(reach(source, spine).min(), abs=1)
    assert np.ptp(reach(own, spine)) == pytest.approx(2 * np.ptp(reach(source, spine)), rel=0.1)
    assert own.volume == pytest.approx(2 * source.volume, rel=0.01)


def test_a_twelfth_rib_ends_before_the_hip_bone(rest):
    longest = with_variants(rest, replace(USUAL, twelfth=(3.5, 3.5), drop=30.0))[0]
    for side in ("left", "right"):
        away = np.linalg.norm(
            longest[f"hip_{side}"].vertices[:, None] - longest[f"rib_{side}_12"].vertices[None], axis=-1
        )
        assert away.min() > 15
        assert reach(longest[f"rib_{side}_12"], rest["vertebrae_T12"]).max() > 80


def test_floating_ribs_hang_about_their_heads(rest):
    hanging = with_variants(rest, replace(USUAL, drop=15.0))[0]
    changed = {name for name, surface in hanging.items() if surface != rest[name]}
    assert changed == {f"rib_{side}_{n}" for side in ("left", "right") for n in (11, 12)}
    for side in ("left", "right"):
        for n in (11, 12):
            name, spine = f"rib_{side}_{n}", rest[f"vertebrae_T{n}"]
            assert hanging[name].vertices[:, 2].min() < rest[name].vertices[:, 2].min() - 8
            assert reach(hanging[name], spine).min() == pytest.approx(reach(rest[name], spine).min(), abs=1)
            assert hanging[name].volume == pytest.approx(rest[name].volume, rel=1e-6)


def test_twelfth_ribs_vary_and_their_sides_differ_a_little():
    rng = np.random.default_rng(0)
    people = [draw_variants(rng, VariantSettings(twelfth_rib=(0.8, 1.6), floating_drop=(2.0, 4.0))) for _ in range(500)]
    right, left = np.array([p.twelfth for p in people]).T
    assert np.percentile(np.sqrt(left * right), [0, 50, 100]) == pytest.approx([0.8, 1.2, 1.6], abs=0.05)
    assert np.std(np.log(left / right)) == pytest.approx(0.12, abs=0.02)
    assert 2 <= min(p.drop for p in people) < 2.1
    assert 3.9 < max(p.drop for p in people) <= 4


def test_floating_ribs_leave_the_other_numbers_of_a_seed_alone():
    few, many = (np.random.default_rng(5) for _ in range(2))
    plain = draw_variants(few, VariantSettings(twelfth_rib=(1.0, 1.0), floating_drop=(0.0, 0.0)))
    varied = draw_variants(many, VariantSettings())
    assert replace(varied, twelfth=plain.twelfth, drop=plain.drop) == plain
    assert few.random() == many.random()


def test_rates_are_kept():
    rng = np.random.default_rng(0)
    people = [draw_variants(rng, VariantSettings(four_lumbar=0.2, six_lumbar=0.3)) for _ in range(2000)]
    assert np.mean([p.lumbar == 4 for p in people]) == pytest.approx(0.2, abs=0.03)
    assert np.mean([p.lumbar == 6 for p in people]) == pytest.approx(0.3, abs=0.03)


def test_bad_rates_are_named():
    with pytest.raises(SettingError, match=r"from 0 to 1.*eleven_ribs': 3\.0"):
        VariantSettings(eleven_ribs=3.0)
    with pytest.raises(SettingError, match=r"four_lumbar \+ six_lumbar"):
        VariantSettings(four_lumbar=0.6, six_lumbar=0.6)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"twelfth_rib": (2.0, 1.0)}, r"twelfth_rib .* 0\.3 to 3\.5 .*got \(2\.0, 1\.0\)"),
        ({"twelfth_rib": (0.1, 1.0)}, r"twelfth_rib .* 0\.3 to 3\.5"),
        ({"floating_drop": (0.0, 90.0)}, r"floating_drop .* -20 to 30 degrees; got \(0\.0, 90\.0\)"),
    ],
)
def test_bad_ranges_are_named(setting, told):
    with pytest.raises(SettingError, match=told):
        VariantSettings(**setting)
