import numpy as np
import pytest

from sneakynet.evaluation.measures.intensities import Intensities


def test_figures_of_known_values():
    gathered = Intensities()
    shell, inner = np.full(20, 100), np.arange(1, 81)
    dense = np.full(20, 800)
    gathered.add(np.concatenate([shell, dense]).astype(np.int16), np.zeros(40, dtype=bool))
    gathered.add(inner.astype(np.int16), np.ones(80, dtype=bool))
    every = np.concatenate([shell, dense, inner])

    figures = gathered.figures()

    assert figures["sd_hu"] == pytest.approx(every.std(), abs=0.05)
    # The least value that so many of the 120 do not exceed: the 6th, 30th, 60th, 90th and 114th.
    assert [figures[f"{p}_hu"] for p in ("p5", "p25", "median", "p75", "p95")] == [6, 30, 60, 100, 800]
    assert figures["shell_hu"] == pytest.approx(450)
    assert figures["cortical_hu"] == 800
    assert figures["cortical_share"] == 0.5
    assert figures["trabecular_hu"] == pytest.approx(40.5)


def test_dense_bone_within_is_not_trabecular():
    """The shaft of a long bone has a cortex of more than 3 mm."""
    gathered = Intensities()
    gathered.add(np.repeat([50, 1200], 15), np.ones(30, dtype=bool))
    assert gathered.figures()["trabecular_hu"] == 50
    assert gathered.figures()["cortical_hu"] is None


def test_fewer_than_ten_voxels_have_no_mean():
    gathered = Intensities()
    gathered.add(np.repeat([100, 700], 9), np.repeat([True, False], 9))
    figures = gathered.figures()
    assert (figures["trabecular_hu"], figures["cortical_hu"], figures["cortical_share"]) == (None, None, None)
    assert figures["p5_hu"] == 100


def test_fractions_count_to_the_next_hu_and_metal_as_the_highest():
    gathered = Intensities()
    gathered.add(np.array([99.6, 100.4, 100.4, 20_000.0, -5000.0]), np.zeros(5, dtype=bool))
    figures = gathered.figures()
    assert (figures["median_hu"], figures["p95_hu"], figures["p5_hu"]) == (100, 8191, -2048)
