"""How sharply a scanner sees, and how its noise is correlated, as short filters on any grid.

All of it follows from frequencies in line pairs per mm, so that a kernel means the same at 1 mm and at 4 mm per voxel.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

RESAMPLINGS = ("sampled", "interpolated", "averaged", "smoothed")
"""How scans come to a grid: by values at its points (nearest neighbour or cubic splines, which keep noise and edges),
by linear interpolation of their own voxels, by means over the new voxels, or by means interpolated once more."""

_STEPS = 256
_HIGHEST = 2.5  # lp/mm, above what any clinical CT resolves
_NEGLIGIBLE = 0.012  # a tap's weight below which it is left out
_REACH = 4  # taps to either side at most


@dataclass(frozen=True)
class Kernel:
    """A reconstruction kernel: ``(1 + a x^2) exp(-x^2)``, ``x`` relative to a frequency that gives its MTF50.

    Args:
        mtf50: frequency at which half of the contrast is left, lp/mm.
        overshoot: ``a``; above 1 the kernel raises middle frequencies and edges overshoot.
    """

    mtf50: float
    overshoot: float

    def mtf(self, f: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """What is left of a wave's height."""
        x = np.linspace(0, 3, 3001)
        x50 = x[np.argmax((1 + self.overshoot * x**2) * np.exp(-(x**2)) < 0.5)]
        y = (f * x50 / self.mtf50) ** 2
        return np.asarray((1 + self.overshoot * y) * np.exp(-y))


def plane_taps(kernel: Kernel, *, spacing: float, pixel: float, resampling: str) -> Float[np.ndarray, "tap"]:
    """Filter in plane for an image whose voxels hold means over their volume.

    Args:
        kernel: of the reconstruction.
        spacing: mm per voxel of the image.
        pixel: mm as reconstructed.
        resampling: one of ``RESAMPLINGS``; interpolation undoes part of the mean over a voxel.
    """
    f = _frequencies(spacing)
    return _taps(kernel.mtf(f) * _resampled(f, spacing, pixel, resampling) / np.sinc(f * spacing))


def _resampled(f: np.ndarray, spacing: float, own: float, resampling: str) -> np.ndarray:
    """What resampling from voxels of ``own`` mm leaves of each frequency."""
    if resampling == "sampled":
        return np.ones_like(f)
    if resampling == "interpolated" or own >= spacing:
        return np.asarray(np.sinc(f * own) ** 2)
    return np.asarray(np.sinc(f * spacing) ** (1 if resampling == "averaged" else 3))


def slice_taps(*, spacing: float, thickness: float, increment: float, resampling: str) -> Float[np.ndarray, "tap"]:
    """Filter along the table for slices that lie closer than voxels; arguments as :func:`plane_taps`'s."""
    f = _frequencies(spacing)
    came = _resampled(f, spacing, increment, resampling)
    return _taps(np.sinc(f * thickness) * came / np.sinc(f * spacing))


@dataclass(frozen=True, eq=False)
class NoiseFilter:
    """How white noise becomes a scan's.

    Args:
        factor: deviation on the grid relative to that of the reconstruction.
        taps: filter along i and along j, keeps the deviation.
    """

    factor: float
    taps: Float[np.ndarray, "tap"]


def plane_noise(kernel: Kernel, *, spacing: float, pixel: float, resampling: str, band: float) -> NoiseFilter:
    """Noise in plane; the power spectrum of filtered back-projection is a ramp times the kernel (Riederer et al. 1978).

    Args:
        kernel: of the reconstruction.
        spacing: mm per voxel of the image.
        pixel: mm as reconstructed.
        resampling: one of ``RESAMPLINGS``.
        band: lp/mm above which iterative reconstruction smooths.
    """
    f = np.linspace(-_HIGHEST, _HIGHEST, 2 * _STEPS + 1)
    radius = np.hypot(f[:, None], f[None, :])
    # The ramp does not start at 0: sampling of the spectrum and interpolation fill it (Boedeker et al. 2007).
    power = (radius + 0.05) * kernel.mtf(radius) ** 2 * np.exp(-((radius / band) ** 2))
    power = power * (np.sinc(f * pixel)[:, None] * np.sinc(f * pixel)[None, :]) ** 2
    came = _resampled(f, spacing, pixel, resampling)
    left = power * (came[:, None] * came[None, :]) ** 2
    along = left.sum(0)
    correlation = [float((along * np.cos(2 * np.pi * f * lag * spacing)).sum() / along.sum()) for lag in range(3)]
    return NoiseFilter(float(np.sqrt(left.sum() / power.sum())), noise_taps(correlation))


def noise_taps(correlation: list[float]) -> Float[np.ndarray, "tap"]:
    """Filter that gives white noise a correlation with its neighbours (about: up to three of them to either side)."""
    omega = np.linspace(0, np.pi, _STEPS + 1)
    power = 1 + 2 * sum(c * np.cos(lag * omega) for lag, c in enumerate(correlation) if lag)
    taps = _taps(np.sqrt(np.maximum(power, 0.02)), unit_sum=False)
    return np.asarray(taps / np.sqrt((taps**2).sum()))


def _frequencies(spacing: float) -> np.ndarray:
    """From 0 to the grid's Nyquist frequency, lp/mm."""
    return np.linspace(0, 0.5 / spacing, _STEPS + 1)


def _taps(response: np.ndarray, *, unit_sum: bool = True) -> np.ndarray:
    """Symmetric filter with a given response from frequency 0 to Nyquist."""
    impulse = np.fft.irfft(response)
    half = impulse[: _REACH + 1] * np.hanning(2 * _REACH + 4)[_REACH + 2 :][: _REACH + 1]
    needed = np.flatnonzero(np.abs(half) > _NEGLIGIBLE)
    half = half[: int(needed.max(initial=0)) + 1]
    taps = np.concatenate([half[:0:-1], half])
    return np.asarray(taps / taps.sum() if unit_sum else taps)
