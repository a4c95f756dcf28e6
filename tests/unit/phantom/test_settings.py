"""Settings that no phantom can be drawn from."""

from dataclasses import replace

import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.field_of_view import FieldShares
from sneakynet.phantom.settings import PhantomSettings, check_phantom_settings
from sneakynet.phantom.soft_tissue import TissueSettings

USUAL = PhantomSettings()


def test_the_defaults_can_be():
    check_phantom_settings(USUAL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (replace(USUAL, cortex=(2.0, 1.0)), "cortex is a range, the lower bound first; got 2 1"),
        (replace(USUAL, skull_mm=(1.0, float("inf"))), "skull-mm must be finite, got 1 inf"),
        (replace(USUAL, cortex_spread=-0.1), "cortex-spread must not be negative, got -0.1"),
        (replace(USUAL, tissue=TissueSettings(fat_mm=(1e6, 1e7))), r"tissue\.fat-mm must not be beyond"),
        (replace(USUAL, fields=FieldShares(chest=-1.0)), r"fields\.chest must not be negative, got -1"),
        (replace(USUAL, fields=FieldShares(*[0.0] * 7)), "fields: at least one share must be above 0"),
    ],
)
def test_each_fault_is_named(settings, message):
    with pytest.raises(SettingError, match=message):
        check_phantom_settings(settings)


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingError, match=r"fields\.hand .*; cortex is a range"):
        check_phantom_settings(replace(USUAL, cortex=(2.0, 1.0), fields=FieldShares(hand=-1.0)))
