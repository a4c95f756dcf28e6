"""What every scan and label map must be, whatever file it came from."""

import logging
import os
from pathlib import Path

import numpy as np

from sneakynet.errors import VolumeError
from sneakynet.types import Affine, LabelArray, ScanArray
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)

# A CT of a patient holds fat and air (negative) and bone; a range outside these bounds is another scale. Metal comes to
# 65535 at most, in files with 16 bits for a voxel, and what fills up beyond the scanned field lies as far below 0.
_LOWEST_OF_A_SCAN = 0
_HIGHEST_OF_A_SCAN = 100
_FARTHEST_OF_A_SCAN = 2**16
_LARGEST_LABEL = 2**16 - 1


def existing_file(path: Path) -> Path:
    """Check that there is something to read.

    Args:
        path: a file or folder.

    Returns:
        The path.

    Raises:
        VolumeError: nothing there, an empty file, or no permission to read it.
    """
    if not path.exists():
        msg = f"{path}: no such file or folder"
        raise VolumeError(msg)
    if not os.access(path, os.R_OK):
        msg = f"{path}: no permission to read it; copy it to where you have one"
        raise VolumeError(msg)
    if path.is_file() and path.stat().st_size == 0:
        msg = f"{path}: the file is empty; copy or export it again"
        raise VolumeError(msg)
    return path


def spatial_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The three axes of an image, trailing axes of length 1 dropped.

    Args:
        path: for the message.
        shape: as the file states it.

    Returns:
        Voxels along i, j, k.

    Raises:
        VolumeError: several frames, a single slice, or no voxels.
    """
    size = "x".join(str(n) for n in shape)
    if min(shape, default=0) < 1:
        msg = f"{path}: the image of {size or 'no'} voxels is empty"
        raise VolumeError(msg)
    if any(n > 1 for n in shape[3:]):
        msg = (
            f"{path}: the image of {size} voxels has {np.prod(shape[3:])} frames, one is needed; extract a frame first"
        )
        raise VolumeError(msg)
    if len(shape) < 3 or min(shape[:3]) < 2:
        msg = f"{path}: the image of {size} voxels is a single slice; a volume of 2 slices or more is needed"
        raise VolumeError(msg)
    return shape[0], shape[1], shape[2]


def one_number_per_voxel(path: Path, components: int) -> None:
    """Refuse colour and vector images.

    Args:
        path: for the message.
        components: numbers per voxel.

    Raises:
        VolumeError: more than one number per voxel.
    """
    if components != 1:
        msg = f"{path}: each voxel holds {components} numbers (colour or vector image); one intensity is needed"
        raise VolumeError(msg)


def scan_volume(path: Path, voxels: np.ndarray, affine: Affine) -> Volume:
    """A scan from what a reader found: int16 if it holds whole numbers in that range, otherwise float32.

    Args:
        path: for the messages.
        voxels: HU, 3D.
        affine: voxel index -> world mm, RAS+.

    Returns:
        The scan.

    Raises:
        VolumeError: NaN or infinite voxels, the same value everywhere, or a grid that is none.
    """
    if np.issubdtype(voxels.dtype, np.floating):
        wrong = voxels.size - int(np.count_nonzero(np.isfinite(voxels)))
        if wrong:
            msg = (
                f"{path}: {wrong} of {voxels.size} voxels are NaN or infinite; replace them first "
                "(outside the scanned field by -1024, the value of air)"
            )
            raise VolumeError(msg)
    low, high = float(voxels.min()), float(voxels.max())
    if low == high:
        msg = f"{path}: every voxel is {low:g}; this scan shows nothing"
        raise VolumeError(msg)
    if low >= _LOWEST_OF_A_SCAN or high < _HIGHEST_OF_A_SCAN or max(-low, high) > _FARTHEST_OF_A_SCAN:
        _LOG.warning(
            "%s: values from %g to %g do not look like Hounsfield units (air -1000, water 0, bone above 200); "
            "the result will be poor. Export the scan anew with its rescale slope and intercept",
            path,
            low,
            high,
        )
    return _volume(path, _as_scan(voxels, low=low, high=high), affine)


def label_volume(path: Path, voxels: np.ndarray, affine: Affine) -> Volume:
    """A label map from what a reader found, in the smallest of uint8 and uint16 that holds its labels.

    Args:
        path: for the messages.
        voxels: class ids, 3D; floats are accepted when they are whole numbers.
        affine: voxel index -> world mm, RAS+.

    Returns:
        The label map.

    Raises:
        VolumeError: fractions, NaN, or ids below 0 or above 65535.
    """
    return _volume(path, as_labels(str(path), voxels), affine)


def as_labels(name: str, voxels: np.ndarray) -> LabelArray:
    """Class ids in the smallest of uint8 and uint16 that holds them.

    Args:
        name: what the message calls it.
        voxels: class ids, of any type.

    Returns:
        The same ids; the array itself if it is of that type already.

    Raises:
        VolumeError: fractions, NaN, or ids below 0 or above 65535.
    """
    low, high = float(voxels.min()), float(voxels.max())
    # Comparisons with NaN are false, so that NaN is refused here too.
    if not (low >= 0 and high <= _LARGEST_LABEL):
        msg = f"{name}: labels from {low:g} to {high:g}; a label map holds whole numbers from 0 to {_LARGEST_LABEL}; "
        msg += "write it again with such labels" if low == low else "give its voxels that are NaN a label, or 0"
        raise VolumeError(msg)
    labels = voxels.astype(np.uint8 if high <= 255 else np.uint16, copy=False)
    if np.issubdtype(voxels.dtype, np.floating) and not np.array_equal(labels, voxels):
        value = voxels[labels != voxels].flat[0]
        msg = f"{name}: a label map holds whole numbers, this one holds {value:g}; is it a scan or a probability map?"
        raise VolumeError(msg)
    return labels


def _as_scan(voxels: np.ndarray, *, low: float, high: float) -> ScanArray:
    limits = np.iinfo(np.int16)
    if np.issubdtype(voxels.dtype, np.integer) and limits.min <= low and high <= limits.max:
        return voxels.astype(np.int16, copy=False)
    return voxels.astype(np.float32, copy=False)


def _volume(path: Path, voxels: ScanArray, affine: Affine) -> Volume:
    try:
        return Volume(voxels, affine)
    except VolumeError as error:
        msg = f"{path}: {error}"
        raise VolumeError(msg) from error
