import math
from dataclasses import replace

import pytest

from sneakynet.errors import SettingError
from sneakynet.inference.cleanup_settings import CleanupSettings, check_cleanup_settings


def test_the_default_does_nothing():
    assert not CleanupSettings().active
    assert CleanupSettings(keep="near").active
    assert CleanupSettings(fill_voids=True).active


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"near_mm": -1.0}, "near-mm must be finite and not negative, got -1"),
        ({"near_mm": math.inf}, "near-mm must be finite and not negative, got inf"),
        ({"smallest_mm3": math.nan}, "smallest-mm3 must be finite and not negative, got nan"),
        ({"largest_void_mm3": -2.5}, "largest-void-mm3 must be finite and not negative, got -2.5"),
        ({"near_share": 5.0}, "near-share must be between 0 and 1, got 5"),
        ({"near_share": math.nan}, "near-share must be between 0 and 1, got nan"),
        ({"near_mm": -1.0, "near_share": 2.0}, "near-mm .* got -1; near-share .* got 2"),
    ],
)
def test_values_that_mean_nothing(changes, message):
    with pytest.raises(SettingError, match=message):
        check_cleanup_settings(replace(CleanupSettings(), **changes))


@pytest.mark.parametrize(
    "changes", [{}, {"near_mm": 0.0, "near_share": 0.0, "smallest_mm3": 0.0, "largest_void_mm3": 0.0}]
)
def test_values_that_are_allowed(changes):
    check_cleanup_settings(replace(CleanupSettings(), **changes))
