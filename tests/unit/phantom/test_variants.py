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
