import numpy as np
import pytest

from sneakynet.phantom.response import RESAMPLINGS, Kernel, noise_taps, plane_noise, plane_taps, slice_taps

SOFT, SHARP = Kernel(0.3, 0.3), Kernel(0.8, 2.0)


@pytest.mark.parametrize("kernel", [SOFT, SHARP])
def test_mtf50_is_where_half_is_left(kernel):
    assert kernel.mtf(np.array(kernel.mtf50)) == pytest.approx(0.5, abs=0.01)
    assert kernel.mtf(np.array(0.0)) == 1


def test_only_sharp_kernels_raise_middle_frequencies():
    f = np.linspace(0, 2, 200)
    assert SHARP.mtf(f).max() > 1.15
    assert SOFT.mtf(f).max() <= 1


@pytest.mark.parametrize("resampling", RESAMPLINGS)
@pytest.mark.parametrize("spacing", [0.7, 1.5, 3.0, 6.0])
def test_filters_keep_means(spacing, resampling):
    for taps in (
        plane_taps(SHARP, spacing=spacing, pixel=0.8, resampling=resampling),
        slice_taps(spacing=spacing, thickness=1.0, increment=0.7, resampling=resampling),
    ):
        assert taps.sum() == pytest.approx(1)
        np.testing.assert_allclose(taps, taps[::-1])


def test_soft_kernels_blur_and_interpolation_is_sharper_than_means():
    def middle(kernel, spacing, resampling):
        taps = plane_taps(kernel, spacing=spacing, pixel=0.7, resampling=resampling)
        return taps[len(taps) // 2]

    assert middle(SOFT, 1.0, "averaged") < 0.8
    assert middle(SHARP, 1.0, "averaged") > middle(SOFT, 1.0, "averaged")
    assert middle(SOFT, 3.0, "interpolated") > 1.02 > middle(SOFT, 3.0, "averaged") > middle(SOFT, 3.0, "smoothed")


def test_averaging_lowers_noise_and_interpolation_does_not():
    def factor(resampling):
        return plane_noise(SOFT, spacing=3.0, pixel=0.7, resampling=resampling, band=2.0).factor

    assert factor("smoothed") < factor("averaged") < 0.55 < 0.7 < factor("interpolated") < factor("sampled") <= 1


@pytest.mark.parametrize("correlation", [[1.0, 0.0, 0.0], [1.0, 0.5, 0.1], [1.0, -0.3, 0.0]])
def test_noise_taps_give_the_correlation(correlation):
    taps = noise_taps(correlation)
    assert (taps**2).sum() == pytest.approx(1)
    lag1 = (taps[1:] * taps[:-1]).sum() if len(taps) > 1 else 0.0
    assert lag1 == pytest.approx(correlation[1], abs=0.08)
