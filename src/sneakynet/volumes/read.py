"""Reading a scan or a label map from any format that is understood."""

from pathlib import Path

import numpy as np

from sneakynet.errors import VolumeError
from sneakynet.types import Affine
from sneakynet.volumes.checks import existing_file, label_volume, scan_volume
from sneakynet.volumes.nifti import read_nifti
from sneakynet.volumes.volume import Volume


def read_volume(path: str | Path, *, series: str | None = None) -> Volume:
    """Read a CT scan.

    Args:
        path: `.nii`, `.nii.gz`.
        series: which DICOM series to read where a folder holds several.

    Returns:
        Hounsfield units (int16, or float32 where they are no whole numbers) in the file's own voxel order.

    Raises:
        VolumeError: nothing there, not an image, or not one 3D scan; the message says which and what to do.
    """
    path = existing_file(Path(path))
    voxels, affine = _read(path)
    return scan_volume(path, voxels, affine)


def read_labels(path: str | Path) -> Volume:
    """Read a label map.

    Args:
        path: `.nii`, `.nii.gz`.

    Returns:
        Class ids (uint8 or uint16) in the file's own voxel order.

    Raises:
        VolumeError: nothing there, not an image, or not whole numbers from 0 to 65535.
    """
    path = existing_file(Path(path))
    voxels, affine = _read(path)
    return label_volume(path, voxels, affine)


def _read(path: Path) -> tuple[np.ndarray, Affine]:
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return read_nifti(path)
    msg = f"{path}: unknown kind of file; give .nii or .nii.gz"
    raise VolumeError(msg)
