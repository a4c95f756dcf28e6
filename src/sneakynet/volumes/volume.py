"""A volume: voxels and where they lie in the patient."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sneakynet.errors import VolumeError
from sneakynet.types import Affine, ScanArray


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels ``[i j k]`` and the affine that takes a voxel index to world mm (RAS+).

    Args:
        voxels: 3D array; Hounsfield units for a scan, class ids for a label map.
        affine: 4x4, voxel index (centre of the voxel) -> world mm, RAS+ (x right, y anterior, z superior).

    Raises:
        VolumeError: the array is not 3D, or the affine is singular or not finite.
    """

    voxels: ScanArray
    affine: Affine

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3:
            msg = f"a volume has 3 axes, this array has {self.voxels.ndim} (shape {self.voxels.shape})"
            raise VolumeError(msg)
        if self.affine.shape != (4, 4) or not np.isfinite(self.affine).all():
            msg = f"an affine is a finite 4x4 matrix, got {self.affine.tolist()}"
            raise VolumeError(msg)
        if min(self.spacing) <= 0 or abs(np.linalg.det(self.affine[:3, :3])) < 1e-9:
            msg = f"voxel spacing must be positive along every axis, got {self.spacing} mm; mend the file's header"
            raise VolumeError(msg)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along i, j, k."""
        i, j, k = self.voxels.shape
        return i, j, k

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Mm per voxel step along i, j, k."""
        i, j, k = (float(s) for s in np.linalg.norm(self.affine[:3, :3], axis=0))
        return i, j, k
