"""A DICOM series from outside: whether it may be opened, from its headers alone."""

import warnings
from pathlib import Path

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian

from sneakynet.errors import VolumeError
from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError, unreadable
from sneakynet.volumes.dicom_slices import Series, ct_series, dicom_files, is_dicom_file


def check_slices(folder: Path, *, series: str | None, limits: Limits) -> None:
    """Drop what is no DICOM, and refuse a folder that is not one CT series within the bounds.

    Args:
        folder: the files, by names of our own.
        series: which series, by number or UID, where there are several.
        limits: bounds on voxels.

    Raises:
        RefusalError: no CT, several series, damaged headers, or too many voxels.
    """
    for file in sorted(folder.iterdir()):
        if not is_dicom_file(file):
            file.unlink()
        elif _deflated(file):
            msg = "the DICOM files are deflated as a whole, which may hide any size; export them in another form"
            raise unreadable(msg)
    try:
        with warnings.catch_warnings(), dicom_files(folder) as files:
            warnings.simplefilter("ignore")  # they quote header values, which may be the patient's
            chosen = _chosen(ct_series(folder, files), series)
    except VolumeError as error:
        raise unreadable(str(error).replace(str(folder), "the series")) from error
    except RefusalError:
        raise
    except Exception as error:  # a hostile header makes pydicom raise anything, RecursionError for one
        msg = "the DICOM headers are damaged; export the series again"
        raise unreadable(msg) from error
    voxels = sum(one.size[0] * one.size[1] for one in chosen.slices)
    if voxels > limits.voxels:
        msg = f"the series speaks of {voxels} voxels; {limits.voxels} are allowed"
        raise RefusalError(413, msg)


def _chosen(found: list[Series], wanted: str | None) -> Series:
    if wanted is not None:
        for number, one in enumerate(found, start=1):
            if wanted in {str(number), one.uid}:
                return one
        msg = f"there is no series {wanted[:80]!r}; {_listing(found)}"
        raise unreadable(msg)
    volumes = [one for one in found if sum(1 for _ in one.slices) > 1]
    if len(volumes) == 1:
        return volumes[0]
    if not volumes:
        msg = "a single CT slice; give all slices of the series"
        raise unreadable(msg)
    msg = f"{len(volumes)} CT series; say which with `series`: {_listing(found)}"
    raise unreadable(msg)


def _listing(found: list[Series]) -> str:
    parts = [
        f"{number}: {len(one.slices)} slices of {one.slices[0].size[0]}x{one.slices[0].size[1]}, {one.description!r}"
        for number, one in enumerate(found[:20], start=1)
    ]
    return "; ".join(parts)


def _deflated(file: Path) -> bool:
    """Such a file is inflated whole, without bound, as soon as it is opened."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            meta = pydicom.filereader.read_file_meta_info(file)
    except Exception:  # no head of its own, or a damaged one; without it nothing is taken for deflated
        return False
    return bool(meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian)
