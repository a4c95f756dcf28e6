"""Sex, age, stature and weight, and what they make of a body's proportions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sneakynet.errors import SettingError

SOURCE_STATURE = 1.76
"""Metres: the skeleton's stature, a man's."""


@dataclass(frozen=True)
class BuildSettings:
    """Who comes to be scanned."""

    female: float = 0.48
    """Share of women; about half of adult CT (Smith-Bindman et al. 2019)."""
    age: tuple[float, float, float] = (18.0, 66.0, 95.0)
    """Youngest, commonest and oldest in years: CT is a matter of the old (Smith-Bindman et al. 2019)."""
    stature_men: tuple[float, float] = (1.755, 0.075)
    """Mean and standard deviation in metres (Fryar et al. 2021, NHANES)."""
    stature_women: tuple[float, float] = (1.615, 0.070)
    """Mean and standard deviation in metres (Fryar et al. 2021, NHANES)."""
    stature_loss: float = 0.008
    """Metres per decade beyond 40 (Sorkin et al. 1999: 3 cm in men and 5 cm in women from 30 to 70)."""
    bmi: tuple[float, float] = (27.0, 0.19)
    """Median in kg/m^2 and standard deviation of its logarithm (Fryar et al. 2021: 5th to 95th percentile 20 to 42)."""
    bmi_limits: tuple[float, float] = (16.0, 48.0)
    """Drawn values are kept within these: a scanner's table bears about 200 kg."""

    def __post_init__(self) -> None:
        if not 0 <= self.female <= 1:
            msg = f"the share of women, female, is from 0 to 1, got {self.female}"
            raise SettingError(msg)
        youngest, commonest, oldest = self.age
        if not 16 <= youngest <= commonest <= oldest <= 110 or youngest == oldest:
            msg = f"age is youngest, commonest and oldest from 16 to 110 years (the skeleton is adult), got {self.age}"
            raise SettingError(msg)


@dataclass(frozen=True)
class Build:
    """One person's figures: age in years, stature in m, weight in kg."""

    sex: Literal["female", "male"]
    age: float
    stature: float
    weight: float

    @property
    def bmi(self) -> float:
        """Body mass index, kg/m^2."""
        return self.weight / self.stature**2


def draw_build(rng: np.random.Generator, settings: BuildSettings) -> Build:
    """Sex, age, stature and weight of one person."""
    female = bool(rng.random() < settings.female)
    age = float(rng.triangular(*settings.age))
    mean, deviation = settings.stature_women if female else settings.stature_men
    stature = float(np.clip(rng.normal(mean, deviation), 1.42, 2.02)) - settings.stature_loss * max(0.0, age - 40) / 10
    median, log_deviation = settings.bmi
    bmi = float(np.clip(median * np.exp(rng.normal(0, log_deviation)), *settings.bmi_limits))
    return Build("female" if female else "male", age, stature, bmi * stature**2)
