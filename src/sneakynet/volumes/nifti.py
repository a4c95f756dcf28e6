"""NIfTI-1 and NIfTI-2 files (`.nii`, `.nii.gz`), read by nibabel."""

import gzip
import logging
import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import Opener
from nibabel.spatialimages import HeaderDataError

from sneakynet.errors import VolumeError
from sneakynet.types import Affine
from sneakynet.volumes.checks import one_number_per_voxel, spatial_shape

_LOG = logging.getLogger(__name__)

# All that nibabel, zlib and NumPy raise on a file that is cut short or scrambled.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    struct.error,
    MemoryError,
    ArithmeticError,
    ImageFileError,
    HeaderDataError,
)


def read_nifti(path: Path) -> tuple[np.ndarray, Affine]:
    """Voxels and affine of a NIfTI file, slope and intercept applied.

    The affine is the sform if its code is set, else the qform, else the voxel sizes alone (with a warning).

    Args:
        path: a file ending in ``.nii`` or ``.nii.gz``.

    Returns:
        The voxels in the order of the file (whole numbers where slope and intercept leave them so, else float32)
        and the affine, RAS+.

    Raises:
        VolumeError: not NIfTI, damaged, colour, several frames, a single slice, or voxels without size.
    """
    image = open_nifti(path)
    try:
        shape = spatial_shape(path, image.shape)
        dtype = image.get_data_dtype()
        one_number_per_voxel(path, len(dtype.fields) if dtype.fields else 2 if dtype.kind == "c" else 1)
        stored = np.array(image.dataobj.get_unscaled()).reshape(shape, order="A")
        slope, intercept = float(image.dataobj.slope), float(image.dataobj.inter)
    except VolumeError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        _LOG.warning(
            "%s: the header states no orientation; left and right of the patient cannot be known from it and may be "
            "swapped in the result. Convert the scan anew from its DICOM files",
            path,
        )
    return _rescaled(stored, slope, intercept), np.asarray(image.affine, dtype=np.float64)


def open_nifti(path: Path) -> nibabel.Nifti1Image:
    """Read the header and its extensions.

    Args:
        path: a file ending in ``.nii`` or ``.nii.gz``.

    Returns:
        An image whose voxels are still on disk.

    Raises:
        VolumeError: not NIfTI, a damaged header, or voxels without size.
    """
    _check_header(path)
    try:
        return nibabel.load(path)
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> VolumeError:
    return VolumeError(f"{path}: the file is damaged or cut short; copy or export it again ({error})")


def _check_header(path: Path) -> None:
    """Refuse what nibabel would mend in silence: it turns a voxel size of 0 into 1 and a negative one positive."""
    try:
        with Opener(path) as file:
            block = file.read(540)
    except gzip.BadGzipFile as error:
        msg = f"{path}: the name ends in .gz but the file is not compressed; rename it or export it again"
        raise VolumeError(msg) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    sizes = {int.from_bytes(block[:4], order) for order in ("little", "big")} if len(block) >= 348 else set()
    if 348 in sizes and block[344:347] in {b"n+1", b"ni1"}:
        header = nibabel.Nifti1Header(block[:348], check=False)
    elif 540 in sizes and block[4:7] in {b"n+2", b"ni2"} and len(block) == 540:
        header = nibabel.Nifti2Header(block, check=False)
    else:
        msg = f"{path}: not a NIfTI file; give a CT volume as .nii, .nii.gz, .nrrd, .mha, .mhd or a DICOM folder"
        raise VolumeError(msg)
    spacing = [float(size) for size in header["pixdim"][1:4]]
    if not all(np.isfinite(size) and size > 0 for size in spacing):
        msg = f"{path}: voxel spacing must be positive along every axis, got {spacing} mm; mend the file's header"
        raise VolumeError(msg)


def _rescaled(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Apply slope and intercept; whole numbers stay whole numbers."""
    if slope == 1 and intercept == 0:
        return stored if stored.dtype.kind in "iu" else stored.astype(np.float32, copy=False)
    whole = slope.is_integer() and intercept.is_integer() and abs(slope) <= 2**10 and abs(intercept) <= 2**20
    if stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2 and whole:
        return stored.astype(np.int32) * int(slope) + int(intercept)
    scaled = stored.astype(np.float32)
    scaled *= slope
    scaled += intercept
    return scaled
