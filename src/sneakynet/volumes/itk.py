"""NRRD and MetaImage files (`.nrrd`, `.nhdr`, `.mha`, `.mhd`), read by SimpleITK."""

import logging
from pathlib import Path

import numpy as np
import SimpleITK

from sneakynet.errors import VolumeError
from sneakynet.geometry.affine import LPS_TO_RAS
from sneakynet.types import Affine
from sneakynet.volumes.checks import one_number_per_voxel, spatial_shape

_LOG = logging.getLogger(__name__)


def read_itk(path: Path) -> tuple[np.ndarray, Affine]:
    """Voxels and affine of an NRRD or MetaImage file.

    Args:
        path: the file; a `.nhdr` or `.mhd` header names its data file.

    Returns:
        The voxels ``[i j k]``, i running fastest in the file, and the affine, turned from LPS to RAS+.

    Raises:
        VolumeError: another format, damaged, colour, several frames, a single slice, or voxels without size.
    """
    reader = header(path)
    shape = spatial_shape(path, reader.GetSize())
    one_number_per_voxel(path, reader.GetNumberOfComponents())
    spacing = np.array(reader.GetSpacing()[:3])
    if not (spacing > 0).all():
        msg = f"{path}: voxel spacing must be positive along every axis, got {spacing.tolist()} mm; mend the header"
        raise VolumeError(msg)
    if path.suffix.lower() in {".nrrd", ".nhdr"} and "NRRD_space" not in reader.GetMetaDataKeys():
        _LOG.warning(
            "%s: the header names no space; it is read as left-posterior-superior, and left and right of the patient "
            "may be swapped in the result",
            path,
        )
    affine = np.eye(4)
    affine[:3, :3] = np.array(reader.GetDirection()).reshape(len(reader.GetSize()), -1)[:3, :3] * spacing
    affine[:3, 3] = reader.GetOrigin()[:3]
    try:
        stored: np.ndarray = SimpleITK.GetArrayFromImage(reader.Execute())
    except (RuntimeError, MemoryError) as error:
        raise _damaged(path) from error
    return stored.reshape(shape[::-1]).transpose(2, 1, 0), LPS_TO_RAS @ affine


def header(path: Path) -> SimpleITK.ImageFileReader:
    """Read the header alone.

    Args:
        path: the file.

    Returns:
        A reader that knows size, grid and metadata.

    Raises:
        VolumeError: another format, or damaged.
    """
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _damaged(path) from error
    return reader


def _damaged(path: Path) -> VolumeError:
    parts = " or its data file is missing" if path.suffix.lower() in {".nhdr", ".mhd"} else ""
    return VolumeError(
        f"{path}: not an NRRD or MetaImage file, or damaged or cut short{parts}; copy or export it again"
    )
