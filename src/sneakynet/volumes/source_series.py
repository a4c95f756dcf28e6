"""The DICOM series that labels were found in: what a DICOM object made from them has to say about it.

The headers hold the patient's data, which goes into that object and nowhere else: no message quotes them.
"""

import logging
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.uid import generate_uid

from sneakynet.counted import counted
from sneakynet.errors import VolumeError
from sneakynet.geometry.stack import Stack
from sneakynet.volumes.dicom import stack_affine, stacked_slices
from sneakynet.volumes.dicom_slices import DAMAGE, Opener, Slice, dicom_files
from sneakynet.volumes.read import is_dicom
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)

# What every DICOM object must hold, though it may be empty; anonymisers leave them out.
_MAY_BE_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
)

# How these must be written.
_FORMS = {
    "PatientSex": "[MFO]?",
    "PatientBirthDate": "([0-9]{8})?",
    "StudyDate": "([0-9]{8})?",
    "StudyTime": r"([0-9]{2}|[0-9]{4}|[0-9]{6}(\.[0-9]{1,6})?)?",
}


@dataclass(frozen=True, eq=False)
class SourceSlice:
    """One plane of the series.

    Args:
        header: of its file, without pixels. The frames of one file share it.
        frame: which frame of the file, from 0; None for a file of one.
        position: centre of the first pixel, mm, LPS.
    """

    header: pydicom.Dataset
    frame: int | None
    position: np.ndarray


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """A straight, even series, as the volume that `read_volume` makes of it.

    Args:
        path: where it lies.
        slices: one per k, ascending along the normal.
        grid: its voxels' places ``[column, row, slice]``; they are all 0 and take no memory.
        in_plane: unit directions of growing column and growing row index, LPS.
        pixel: mm per column step and per row step.
    """

    path: Path
    slices: tuple[SourceSlice, ...]
    grid: Volume
    in_plane: np.ndarray
    pixel: tuple[float, float]

    @property
    def header(self) -> pydicom.Dataset:
        """A header that speaks for all: patient, study, series."""
        return self.slices[0].header


def read_source_series(path: str | Path, *, series: str | None = None) -> SourceSeries:
    """Read the headers of a CT series.

    Args:
        path: a folder, a zip or a multi-frame file.
        series: see `read_volume`.

    Raises:
        VolumeError: no DICOM, a series that cannot be read, that is no straight and even stack (no voxel of its volume
            then belongs to a slice), or that DICOM objects cannot refer to.
    """
    path = Path(path)
    if not path.exists() or not is_dicom(path):
        msg = (
            f"{path}: {'this is no DICOM' if path.exists() else 'no such file or folder'}; a DICOM result refers to "
            "the slices of a DICOM series, so give its folder, zip or multi-frame file (`sneakynet dicom` writes one "
            "for labels of a file that was made from a series)"
        )
        raise VolumeError(msg)
    with dicom_files(path) as files:
        slices, stack = stacked_slices(path, files, series=series)
        _refuse_resampled(path, slices[0], stack)
        headers: dict[Opener, pydicom.Dataset] = {}
        for one in slices:
            if one.open not in headers:
                headers[one.open] = _header(path, one)
    planes = tuple(SourceSlice(headers[one.open], one.frame, one.position) for one in slices)
    first, shape = slices[0], (*slices[0].size, len(slices))
    step = float(stack.depths[-1] - stack.depths[0]) / (len(slices) - 1)
    _complete(path, list(headers.values()), planes)
    _share_geometry(list(headers.values()), step)
    return SourceSeries(
        path=path,
        slices=planes,
        grid=Volume(np.broadcast_to(np.uint8(0), shape), stack_affine(first, start=(0, 0), step=step)),
        in_plane=first.in_plane,
        pixel=first.pixel,
    )


def _refuse_resampled(path: Path, first: Slice, stack: Stack) -> None:
    steps = np.diff(stack.depths)
    faults = []
    if not stack.straight(first.pixel):
        faults.append(f"the slices lean by {stack.tilt:.1f} degrees (gantry tilt)")
    if not stack.even:
        faults.append(f"the slices lie unevenly ({steps.min():.2f} to {steps.max():.2f} mm apart; some may be missing)")
    if faults:
        msg = (
            f"{path}: {' and '.join(faults)}, so its labels lie on a resampled grid and belong to none of its slices; "
            "DICOM SEG and RTSTRUCT cannot refer to them: write .nii.gz or .seg.nrrd"
        )
        raise VolumeError(msg)


def _header(path: Path, one: Slice) -> pydicom.Dataset:
    try:
        # pydicom's warnings and log entries quote header values, which may be the patient's.
        with one.open() as file, warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
            header.remove_private_tags()  # looks at every value too, and so finds damage here
            header.decode()
    except DAMAGE:
        msg = f"{path}: {one.name} has a damaged header; copy or export it again"
        raise VolumeError(msg) from None  # what pydicom says may quote the patient's data
    return header


def _complete(path: Path, headers: list[pydicom.Dataset], slices: tuple[SourceSlice, ...]) -> None:
    """Fill in what may stand elsewhere or be empty, and refuse what cannot be referred to."""
    for header in headers:
        # Some anonymisers blank these where the file's own head still has them.
        for keyword in ("SOPClassUID", "SOPInstanceUID"):
            if not header.get(keyword):
                setattr(header, keyword, header.file_meta.get(f"MediaStorage{keyword}") or "")
        for keyword in _MAY_BE_EMPTY:
            if keyword not in header:
                setattr(header, keyword, None)
    _blank_malformed(path, headers)
    faults = [
        f"{keyword} is missing in {count} of {counted(len(headers), 'file')}"
        for keyword in ("SOPClassUID", "SOPInstanceUID", "FrameOfReferenceUID")
        if (count := sum(not header.get(keyword) for header in headers))
    ]
    shared = Counter(header.SOPInstanceUID for header in headers if header.SOPInstanceUID)
    if doubled := sum(count for count in shared.values() if count > 1):
        faults.append(f"{doubled} files share a SOPInstanceUID with another")
    faults += _differing(headers)
    if len(headers) > 1 and any(one.frame is not None for one in slices):
        faults.append(f"its frames stand in {len(headers)} multi-frame files, where one or single slices are needed")
    if faults:
        msg = f"{path}: a DICOM result cannot refer to this series: {'; '.join(faults)}; take it as it left the scanner"
        raise VolumeError(msg)
    _stand_in(path, headers)


def _blank_malformed(path: Path, headers: list[pydicom.Dataset]) -> None:
    """Values that are no DICOM would make the result none."""
    found = set()
    for header in headers:
        for keyword, form in _FORMS.items():
            if not re.fullmatch(form, str(header.get(keyword) or "")):
                setattr(header, keyword, None)
                found.add(keyword)
    if found:
        _LOG.warning("%s: %s breaks the rules of DICOM and stays empty in the result", path, ", ".join(sorted(found)))


def _share_geometry(headers: list[pydicom.Dataset], step: float) -> None:
    """Let all slices state the one direction that the volume has, and a multi-frame file state it once."""
    for header in headers:
        if "PerFrameFunctionalGroupsSequence" in header:
            shared, own = header.SharedFunctionalGroupsSequence, header.PerFrameFunctionalGroupsSequence[0]
            for group in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
                if group not in shared[0]:
                    setattr(shared[0], group, own.get(group))
            measures = shared[0].PixelMeasuresSequence[0]
        else:
            header.ImageOrientationPatient = headers[0].ImageOrientationPatient
            measures = header
        if not measures.get("SliceThickness"):
            measures.SliceThickness = step


def _differing(headers: list[pydicom.Dataset]) -> list[str]:
    """What must be one for all slices and is not."""
    keywords = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName")
    return [
        f"{keyword} differs between its files"
        for keyword in keywords
        if len({str(header.get(keyword) or "") for header in headers}) > 1
    ]


def _stand_in(path: Path, headers: list[pydicom.Dataset]) -> None:
    """New UIDs for a study and series that have none: the same each time, so that results for it stay together."""
    blank = [key for key in ("StudyInstanceUID", "SeriesInstanceUID") if not headers[0].get(key)]
    for keyword in blank:
        uid = generate_uid(entropy_srcs=[keyword, headers[0].FrameOfReferenceUID])
        for header in headers:
            setattr(header, keyword, uid)
    if blank:
        _LOG.warning(
            "%s: the headers have no %s (anonymised?); the result gets a new one, and an archive will not put it "
            "beside these images",
            path,
            " and no ".join(blank),
        )
