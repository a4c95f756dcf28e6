"""How dense a bone is: Hounsfield units, gathered piece by piece."""

from dataclasses import dataclass, field

import numpy as np

CORTICAL_HU = 600.0
"""From here on bone counts as cortical: Aamodt et al., "Determination of the Hounsfield value for CT-based design of
custom femoral stems", Journal of Bone and Joint Surgery (British) 81-B (1999) 143-147."""

PERCENTILES = (5, 25, 50, 75, 95)

_FEW = 10
"""Voxels that a mean must have."""

# Bins of 1 HU. What is beyond (metal) counts as the last.
_LOWEST, _HIGHEST = -2048, 8191
_VALUES = np.arange(_LOWEST, _HIGHEST + 1, dtype=np.float64)


@dataclass
class Intensities:
    """How many voxels of one bone have each density, its shell and its inside apart; pieces are added."""

    _shell: np.ndarray = field(default_factory=lambda: np.zeros(len(_VALUES), dtype=np.int64))
    _inner: np.ndarray = field(default_factory=lambda: np.zeros(len(_VALUES), dtype=np.int64))

    def add(self, hu: np.ndarray, inner: np.ndarray) -> None:
        """Add voxels.

        Args:
            hu: one value per voxel.
            inner: whether each lies within the bone's inside.
        """
        whole = hu if np.issubdtype(hu.dtype, np.integer) else np.rint(hu)
        bins = whole.clip(_LOWEST, _HIGHEST).astype(np.int64) - _LOWEST
        deep = np.bincount(bins[inner], minlength=len(_VALUES))
        self._inner += deep
        self._shell += np.bincount(bins, minlength=len(_VALUES)) - deep

    def figures(self) -> dict[str, float | None]:
        """Key to value, as `BoneMeasures` has them; None for a mean of too few voxels."""
        every = self._shell + self._inner
        upto = np.cumsum(every)
        n = int(upto[-1])
        mean = float(every @ _VALUES) / n
        # The least value that at least so many voxels do not exceed.
        p5, p25, p50, p75, p95 = (
            float(_VALUES[np.searchsorted(upto, max(1, int(np.ceil(n * p / 100))))]) for p in PERCENTILES
        )
        dense = _VALUES >= CORTICAL_HU
        shell = int(self._shell.sum())
        return {
            "sd_hu": round(float(every @ (_VALUES - mean) ** 2 / n) ** 0.5, 1),
            "p5_hu": p5,
            "p25_hu": p25,
            "median_hu": p50,
            "p75_hu": p75,
            "p95_hu": p95,
            "shell_hu": _mean(self._shell, _VALUES >= _LOWEST),
            "cortical_hu": _mean(self._shell, dense),
            "cortical_share": round(int(self._shell[dense].sum()) / shell, 4) if shell >= _FEW else None,
            "trabecular_hu": _mean(self._inner, ~dense),
        }


def _mean(counts: np.ndarray, chosen: np.ndarray) -> float | None:
    """Mean of those of the values that are chosen."""
    n = int(counts[chosen].sum())
    return round(float(counts[chosen] @ _VALUES[chosen]) / n, 1) if n >= _FEW else None
