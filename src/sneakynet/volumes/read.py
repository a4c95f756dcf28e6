"""Reading a scan or a label map from any format that is understood."""

from pathlib import Path

import numpy as np

from sneakynet.errors import SettingError, VolumeError
from sneakynet.types import Affine
from sneakynet.volumes.checks import existing_file, label_volume, scan_volume
from sneakynet.volumes.dicom import read_dicom
from sneakynet.volumes.dicom_slices import is_dicom_file
from sneakynet.volumes.itk import read_itk
from sneakynet.volumes.nifti import read_nifti
from sneakynet.volumes.volume import Volume

VOLUME_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Endings of single files that hold a volume; DICOM comes as a folder, a zip, or a multi-frame file of any name."""


def read_volume(path: str | Path, *, series: str | None = None) -> Volume:
    """Read a CT scan.

    Args:
        path: a NIfTI, NRRD or MetaImage file, or a DICOM folder, zip or multi-frame file.
        series: which DICOM series to read where there are several: its UID or its number as listed in the error.

    Returns:
        Hounsfield units (int16, or float32 where they are no whole numbers) in the file's own voxel order.

    Raises:
        VolumeError: nothing there, not an image, or not one 3D scan; the message says which and what to do.
        SettingError: ``series`` with a file that is not DICOM.
    """
    path = existing_file(Path(path))
    if is_dicom(path):
        voxels, affine = read_dicom(path, series=series)
    elif series is not None:
        msg = f"{path}: a series is chosen in DICOM folders and zips; leave out series {series!r} for this file"
        raise SettingError(msg)
    else:
        voxels, affine = _read_file(path)
    return scan_volume(path, voxels, affine)


def read_labels(path: str | Path) -> Volume:
    """Read a label map.

    Args:
        path: a NIfTI, NRRD or MetaImage file.

    Returns:
        Class ids (uint8 or uint16) in the file's own voxel order.

    Raises:
        VolumeError: nothing there, not an image, or not whole numbers from 0 to 65535.
    """
    path = existing_file(Path(path))
    if path.is_dir():
        msg = f"{path}: a label map is a single file ({', '.join(VOLUME_ENDINGS)}), this is a folder"
        raise VolumeError(msg)
    voxels, affine = _read_file(path)
    return label_volume(path, voxels, affine)


def is_dicom(path: Path) -> bool:
    """Whether a path is read as DICOM.

    Args:
        path: a folder or file that is there.
    """
    if path.name.lower().endswith(VOLUME_ENDINGS):
        return False
    return path.is_dir() or path.suffix.lower() == ".zip" or is_dicom_file(path)


def _read_file(path: Path) -> tuple[np.ndarray, Affine]:
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return read_nifti(path)
    if name.endswith(VOLUME_ENDINGS):
        return read_itk(path)
    msg = f"{path}: not a volume; give a file ending in {', '.join(VOLUME_ENDINGS)}, or a DICOM folder or zip"
    raise VolumeError(msg)
