import numpy as np
import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.build import Build, BuildSettings, draw_build


def test_people_are_drawn_as_published():
    rng = np.random.default_rng(0)
    people = [draw_build(rng, BuildSettings()) for _ in range(2000)]
    women = [p for p in people if p.sex == "female"]
    men = [p for p in people if p.sex == "male"]
    assert 0.43 < len(women) / len(people) < 0.53
    assert 1.70 < np.mean([p.stature for p in men]) < 1.76
    assert 1.56 < np.mean([p.stature for p in women]) < 1.62
    assert 24 < np.median([p.bmi for p in people]) < 30
    assert all(18 <= p.age <= 95 for p in people)


def test_bmi():
    assert Build("male", 40.0, 2.0, 100.0).bmi == 25


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"female": 1.2}, "share of women, female, is from 0 to 1, got 1.2"),
        ({"age": (5.0, 20.0, 90.0)}, r"from 16 to 110 years .*got \(5.0"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(SettingError, match=message):
        BuildSettings(**settings)
