import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.label_map_settings import LabelMapSettings, check_settings


def test_the_defaults_are_possible():
    check_settings(LabelMapSettings(), spacing=2.0)


def test_impossible_settings_are_refused_together():
    settings = LabelMapSettings(size=-1.0, fat_mm=(5.0, 2.0), warp_scale_mm=0.0, stretch=(1.0, 0.0, 1.0))
    with pytest.raises(SettingError) as caught:
        check_settings(settings, spacing=0.1)
    assert str(caught.value).split("; ") == [
        "spacing must be 0.5 to 12 mm, got 0.1",
        "size must be 0 or more, got -1",
        "fat_mm must be a range from 0 up, its lower end first, got 5 2",
        "warp_scale_mm must be above 0, got 0",
        "stretch must be three factors from 0.2 to 5, got 1 0 1",
    ]
