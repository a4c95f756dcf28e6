from dataclasses import replace

import numpy as np
import pytest

from sneakynet.errors import SettingError
from sneakynet.phantom.scan import ScanSettings, draw_scan
from sneakynet.phantom.tissue_ids import tissue_ids

MUSCLE, ARTERY, AIR = (tissue_ids()[name] for name in ("muscle", "artery", "air"))


def draws(count=200, *, age=None, **changes):
    settings = replace(ScanSettings(), **changes)
    return [draw_scan(np.random.default_rng(seed), settings, age=age) for seed in range(count)]


def test_same_seed_same_draw():
    assert draws(3) == draws(3)
    assert draws(2)[0] != draws(2)[1]


def test_trabecular_bone_fades_with_age_down_to_30():
    young = [draw.trabecular for draw in draws(age=25.0, wild=0.0)]
    old = [draw.trabecular for draw in draws(age=90.0, wild=0.0)]
    assert 200 < np.mean(young) < 260
    assert np.mean(young) - np.mean(old) == pytest.approx(2.5 * 65, rel=0.2)
    assert min(old) < 45


def test_arteries_are_bright_in_the_arterial_phase_only():
    by_phase = {
        phase: np.mean([draw.tissue_hu[ARTERY] for draw in draws(400, wild=0.0) if draw.phase == phase])
        for phase in ("native", "arterial", "venous", "late")
    }
    assert by_phase["arterial"] > by_phase["venous"] > by_phase["late"] > by_phase["native"] + 30
    assert by_phase["native"] < 60


def test_low_voltage_brightens_bone():
    low = np.mean([draw.cortex for draw in draws(wild=0.0, voltages=(80.0,), voltage_shares=(1.0,))])
    high = np.mean([draw.cortex for draw in draws(wild=0.0, voltages=(140.0,), voltage_shares=(1.0,))])
    assert low / high == pytest.approx(1.35 / 0.92, rel=0.01)


def test_wild_draws_go_far_and_bone_stays_brighter_than_muscle():
    wild = draws(wild=1.0)
    assert all(draw.wild for draw in wild)
    assert all(draw.cortex > draw.trabecular > draw.tissue_hu[MUSCLE] for draw in wild)
    assert max(draw.tissue_hu[MUSCLE] for draw in wild) > 120
    assert all(draw.tissue_hu[AIR] < -800 for draw in wild)


def test_share_of_wild_draws():
    assert np.mean([draw.wild for draw in draws(400)]) == pytest.approx(0.15, abs=0.06)


def test_noise_grows_with_sharp_kernels_and_thin_slices():
    scans = draws(400)
    sharp = [draw.noise for draw in scans if draw.mtf50 > 0.55]
    soft = [draw.noise for draw in scans if draw.mtf50 < 0.35]
    assert np.median(sharp) > 1.5 * np.median(soft)
    thick = [draw.noise for draw in scans if draw.thickness > 3]
    thin = [draw.noise for draw in scans if draw.thickness < 1]
    assert np.median(thin) > 1.3 * np.median(thick)


def test_faults_are_reported_together():
    settings = replace(ScanSettings(), wild=1.5, cortex=(900.0, 100.0), pixel=(0.0, 1.0), voltage_shares=(1.0,))
    with pytest.raises(SettingError) as error:
        draw_scan(np.random.default_rng(0), settings)
    for word in ("wild", "cortex", "pixel", "voltage_shares"):
        assert word in str(error.value)
