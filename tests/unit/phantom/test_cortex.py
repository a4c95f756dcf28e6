import numpy as np
import pytest

from sneakynet.phantom.cortex import Cortex, draw_cortex, shell_mm
from sneakynet.phantom.surface import Surface

BONES = ["femur_left", "hip_left", "sacrum"]


def draw(seed=0, names=BONES, factor=(0.8, 1.2), spread=0.2, **options):
    return draw_cortex(np.random.default_rng(seed), names, factor=factor, spread=spread, **options)


def test_shafts_are_thick_and_ends_thin():
    z = np.linspace(0, 400, 41)
    shaft = Surface(np.stack([np.where(np.arange(41) % 2, 5.0, -5.0), np.zeros(41), z], 1), np.array([[0, 1, 2]]))
    shell = shell_mm("femur_left", shaft, Cortex(1.0, {}))
    assert shell[20] == pytest.approx(5.5)
    assert shell[[0, -1]] == pytest.approx(0.9, abs=0.1)
    assert shell[20] > shell[6] > shell[0]
    assert shell[4] < 1.5  # neck and trochanters
    assert shell[11] > 3.5


def test_arches_of_vertebrae_have_thicker_shells_than_bodies(cuboid):
    box = cuboid(40.0, 80.0, 30.0)
    shell = shell_mm("vertebrae_L1", box, Cortex(1.0, {}))
    front = box.vertices[:, 1] > box.vertices[:, 1].mean()
    assert shell[~front].min() > 2 * shell[front].max()


def test_shells_differ_along_a_bone():
    z = np.linspace(0, 300, 301)
    line = Surface(np.stack([np.zeros(301), np.zeros(301), z], 1), np.array([[0, 1, 2]]))
    even, uneven = (shell_mm("rib_left_5", line, Cortex(1.0, {}, seed)) for seed in (None, 3))
    assert np.ptp(even) == 0
    assert 0.1 < np.std(uneven / even) < 0.6
    assert np.abs(np.diff(uneven)).max() < 0.2
    assert not np.allclose(uneven, shell_mm("rib_left_6", line, Cortex(1.0, {}, 3)))


def test_factors_multiply(cuboid):
    box = cuboid(9.0, 9.0, 9.0)
    mean = shell_mm("vertebrae_L1", box, Cortex(1.0, {}))
    np.testing.assert_allclose(shell_mm("vertebrae_L1", box, Cortex(0.5, {"vertebrae_L1": 1.2})), 0.6 * mean)
    assert mean.shape == (8,)


def test_draws_stay_within_their_range_and_differ_by_bone():
    drawn = [draw(seed) for seed in range(40)]
    factors = [cortex.factor for cortex in drawn]
    assert 0.8 <= min(factors) < 0.9 < 1.1 < max(factors) <= 1.2
    of_bone = np.array([[cortex.of_bone[name] for name in BONES] for cortex in drawn])
    assert of_bone.std(0) == pytest.approx(0.2, abs=0.08)
    assert (of_bone[:, 0] != of_bone[:, 1]).all()
    assert draw(3) == draw(3)


def test_the_order_of_the_names_does_not_matter():
    assert draw(3) == draw(3, names=BONES[::-1])


def test_shells_thin_out_with_age():
    young, middle, old = (draw(age=float(age)).factor for age in (20, 40, 90))
    assert young == middle
    assert 0.5 < old / middle < 0.67  # a third to a half
