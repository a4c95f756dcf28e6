"""What a folder holds, before it is read: the slices of one scan, or scans in folders of their own."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom

from sneakynet.volumes.dicom_slices import DICOM_RESULTS, is_dicom_file
from sneakynet.volumes.read import VOLUME_ENDINGS

# A folder that holds results alone is no scan.
_NO_SLICE = (*DICOM_RESULTS, *VOLUME_ENDINGS)


@dataclass(frozen=True)
class DicomFolder:
    """A folder below which there is DICOM.

    Args:
        path: the folder.
        study: the StudyInstanceUID of one of its files; empty where the file does not say.
    """

    path: Path
    study: str


def dicom_folders(folder: Path) -> tuple[DicomFolder, ...]:
    """The folders right in a folder that hold DICOM, at whatever depth. One file of each is looked at.

    Args:
        folder: where to look.

    Returns:
        By name.
    """
    found = []
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        first = next(_dicom_files(inner.rglob("*")), None)
        if first is not None:
            found.append(DicomFolder(inner, _study(first)))
    return tuple(found)


def first_dicom_file(folder: Path) -> Path | None:
    """A DICOM file that lies right in a folder, if there is one.

    Args:
        folder: where to look.
    """
    return next(_dicom_files(folder.iterdir()), None)


def _dicom_files(paths: Iterator[Path]) -> Iterator[Path]:
    for path in paths:
        if path.name.startswith(".") or path.name.lower().endswith(_NO_SLICE) or not path.is_file():
            continue
        try:
            if is_dicom_file(path):
                yield path
        except OSError:  # may not be read; the reader will say so
            continue


def _study(file: Path) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they quote header values, which may be the patient's
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["StudyInstanceUID"], force=True)
            return str(header.get("StudyInstanceUID") or "")
    except Exception:  # a damaged header raises whatever it likes; the reader will say so
        return ""
