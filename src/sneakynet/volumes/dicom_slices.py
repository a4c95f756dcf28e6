"""The CT slices that a DICOM folder, zip or file holds: their headers, and their pixels on demand.

No patient data is kept, shown or logged: of the headers only geometry, scaling and the series' own names are read.
"""

import io
import logging
import struct
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pydicom
import SimpleITK
from pydicom.errors import BytesLengthException
from pydicom.pixels import get_decoder
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    MediaStorageDirectoryStorage,
)

from sneakynet.errors import VolumeError

_LOG = logging.getLogger(__name__)

_TAGS = [
    "Columns",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
    "Modality",
    "NumberOfFrames",
    "PerFrameFunctionalGroupsSequence",
    "PixelSpacing",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SamplesPerPixel",
    "SOPClassUID",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SharedFunctionalGroupsSequence",
]

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    struct.error,
    BytesLengthException,
)
"""All that pydicom raises on a file that is cut short or scrambled."""

_SLICE_CLASSES = {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}

DICOM_RESULTS = (".seg.dcm", ".labelmap.dcm", ".rtstruct.dcm")
"""Endings of the DICOM objects that this package writes: they are no slices."""

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, eq=False)
class Slice:
    """One plane of a CT series.

    Args:
        name: the file, as the messages call it.
        open: gives the file.
        frame: which frame of a multi-frame file; None for a file of one.
        position: centre of the first pixel, mm, LPS.
        in_plane: unit directions of growing column and growing row index, LPS.
        pixel: mm per column step and per row step.
        size: columns and rows.
        slope: HU per stored step.
        intercept: HU of a stored 0.
    """

    name: str
    open: Opener
    frame: int | None
    position: np.ndarray
    in_plane: np.ndarray
    pixel: tuple[float, float]
    size: tuple[int, int]
    slope: float
    intercept: float


@dataclass(frozen=True, eq=False)
class Series:
    """The slices of one series, in the order of their files.

    Args:
        uid: SeriesInstanceUID.
        number: SeriesNumber; 0 when the header has none.
        description: SeriesDescription.
        slices: at least one.
    """

    uid: str
    number: int
    description: str
    slices: tuple[Slice, ...]


@contextmanager
def dicom_files(path: Path) -> Iterator[Mapping[str, Opener]]:
    """Every DICOM file below a folder, in a zip, or the file itself.

    Args:
        path: what the user gave.

    Yields:
        Name within the folder or zip -> how to open it. Other files are left out.

    Raises:
        VolumeError: a zip that is damaged or asks for a password.
    """
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        yield {str(file.relative_to(path)): _opener(file) for file in inside if _is_dicom(file.open("rb"))}
    elif zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                members = sorted(info.filename for info in archive.infolist() if not info.is_dir())
                yield {name: _member(archive, name) for name in members if _is_dicom(archive.open(name))}
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            msg = f"{path}: the zip file is damaged; copy or export it again ({error})"
            raise VolumeError(msg) from error
        except RuntimeError as error:
            if "password" not in str(error):
                raise
            msg = f"{path}: the zip file asks for a password; unpack it and give the folder"
            raise VolumeError(msg) from error
    elif path.suffix.lower() == ".zip":
        msg = f"{path}: not a zip file, or cut short; copy or export it again"
        raise VolumeError(msg)
    else:
        yield {path.name: _opener(path)}


def is_dicom_file(path: Path) -> bool:
    """Whether a file, whatever its name, is DICOM.

    Args:
        path: a file.

    Returns:
        True when it carries the DICOM mark, or begins with a DICOM element.
    """
    return _is_dicom(path.open("rb"))


def _is_dicom(file: Any) -> bool:
    with file:
        head: bytes = file.read(132)
    # Some programs leave out the preamble and its mark and begin with the first element: group 2 or 8, little endian,
    # with a two-letter type or, untyped, a short first value.
    typed = head[4:6].isalpha() and head[4:6].isupper()
    bare = head[:2] in {b"\x02\0", b"\x08\0"} and (typed or head[6:8] == b"\0\0")
    return head[128:] == b"DICM" or (bare and len(head) == 132)


def _opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def _member(archive: zipfile.ZipFile, name: str) -> Opener:
    return lambda: io.BytesIO(archive.read(name))


def ct_series(path: Path, files: Mapping[str, Opener]) -> list[Series]:
    """Read the headers and sort the CT slices by series.

    What is no CT image (reports, contours, other modalities) and localizers are left out.

    Args:
        path: for the messages.
        files: from `dicom_files`.

    Returns:
        The series, by their number, then UID.

    Raises:
        VolumeError: a damaged file, or no CT slice at all.
    """
    found: dict[str, list[tuple[pydicom.Dataset, list[Slice]]]] = {}
    left_out: Counter[str] = Counter()
    for name, opener in files.items():
        header = _header(path, name, opener)
        kind = _why_left_out(header)
        if kind:
            left_out[kind] += 1
            continue
        if not (header.get("Rows") and header.get("Columns")):
            msg = f"{path}: {name} is damaged or cut short; copy or export it again"
            raise VolumeError(msg)
        try:
            slices = _slices(name, opener, header)
        except DAMAGE as error:
            msg = f"{path}: {name} has a header that does not say where the slice lies; export the series again"
            raise VolumeError(msg) from error
        found.setdefault(str(header.get("SeriesInstanceUID", "")), []).append((header, slices))
    others = ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items()))
    if not found:
        msg = f"{path}: no CT slices found ({f'only {others}' if others else 'no DICOM files at all'})"
        raise VolumeError(msg)
    if others:
        _LOG.info("%s: left out %s", path, others)
    series = [_series(uid, members) for uid, members in found.items()]
    return sorted(series, key=lambda one: (one.number, one.uid))


def _header(path: Path, name: str, opener: Opener) -> pydicom.Dataset:
    try:
        # pydicom's warnings quote header values, which may be the patient's.
        with opener() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # By force: files without preamble were recognised before.
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS), force=True)
            # Values are decoded when they are first looked at, so look at them here, where it may fail.
            for part in (header, header.file_meta):
                for _ in part.iterall():
                    pass
    except DAMAGE as error:
        msg = f"{path}: {name} is damaged or cut short; copy or export it again"
        raise VolumeError(msg) from error
    return header


def _why_left_out(header: pydicom.Dataset) -> str:
    """What the file is, if it is no CT slice; otherwise nothing."""
    if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        return "directory file(s)"
    # A header that ends before its modality is cut short, and is no reason to lose a slice in silence.
    modality = header.get("Modality")
    if modality and modality != "CT":
        return f"{modality} file(s)"
    if "LOCALIZER" in [str(part).upper() for part in header.get("ImageType") or ()]:
        return "localizer(s)"
    # Pictures made from a CT (reports, captures, raw data) also call themselves CT. Some anonymisers blank the class.
    storage = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")
    if storage and str(storage) not in _SLICE_CLASSES:
        return "CT picture(s) that are no slices"
    return ""


def _series(uid: str, members: list[tuple[pydicom.Dataset, list[Slice]]]) -> Series:
    header = members[0][0]
    number = str(header.get("SeriesNumber", "") or "")
    return Series(
        uid=uid,
        number=int(number) if number.lstrip("-").isdigit() else 0,
        description=str(header.get("SeriesDescription", "") or ""),
        slices=tuple(one for _, slices in members for one in slices),
    )


def _slices(name: str, opener: Opener, header: pydicom.Dataset) -> list[Slice]:
    if "PerFrameFunctionalGroupsSequence" not in header:
        return [_slice(name, opener, header, [header], frame=None)]
    shared = header.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()]
    frames = header.PerFrameFunctionalGroupsSequence
    return [_slice(name, opener, header, [own, shared[0]], frame=index) for index, own in enumerate(frames)]


# Multi-frame files keep these values one level down, in a sequence of their own.
_GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
}


def _slice(
    name: str, opener: Opener, header: pydicom.Dataset, groups: list[pydicom.Dataset], *, frame: int | None
) -> Slice:
    def value(keyword: str, default: float | None = None) -> Any:
        for group in groups:
            for place in (group, *(group.get(_GROUPS[keyword]) or ())):
                if place.get(keyword) is not None:
                    return place.get(keyword)
        if default is None:
            raise KeyError(keyword)
        return default

    directions = np.array([float(x) for x in value("ImageOrientationPatient")]).reshape(2, 3)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    row_step, column_step = (float(x) for x in value("PixelSpacing"))
    numbers = np.array([*directions.ravel(), row_step, column_step])
    if not np.isfinite(numbers).all() or np.abs(lengths - 1).max() > 0.01 or abs(directions[0] @ directions[1]) > 0.01:
        msg = f"directions {directions.tolist()}"
        raise ValueError(msg)
    return Slice(
        name=name if frame is None else f"{name} frame {frame + 1}",
        open=opener,
        frame=frame,
        position=np.array([float(x) for x in value("ImagePositionPatient")]),
        in_plane=directions / lengths,
        pixel=(column_step, row_step),
        size=(int(header.Columns), int(header.Rows)),
        slope=float(value("RescaleSlope", 1.0)),
        intercept=float(value("RescaleIntercept", 0.0)),
    )


def stored_pixels(path: Path, slices: tuple[Slice, ...]) -> Iterator[np.ndarray]:
    """Decode slices one after the other.

    Args:
        path: for the messages.
        slices: in the wanted order. The frames of one file should stand together.

    Yields:
        HU per slice, ``[row, column]``; whole numbers where slope and intercept leave them so, else float32.

    Raises:
        VolumeError: colour, damaged, or compressed in a way that cannot be decoded here.
    """
    last: tuple[Opener, np.ndarray] | None = None
    for one in slices:
        if one.frame is None:
            yield _decode(path, one)
        else:
            if last is None or last[0] is not one.open:
                last = (one.open, _decode(path, one))
            yield _rescale(last[1][one.frame], one)


def _decode(path: Path, one: Slice) -> np.ndarray:
    """HU of a single slice, or the stored values of all frames of its file."""
    try:
        with one.open() as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(file, force=True)
            if "TransferSyntaxUID" not in dataset.file_meta:
                dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
            syntax = dataset.file_meta.TransferSyntaxUID
            if dataset.get("SamplesPerPixel", 1) != 1:
                msg = f"{path}: {one.name} is a colour image; a CT has one value per pixel"
                raise VolumeError(msg)
            pixels = _decompressed(dataset)
    except VolumeError:
        raise
    except (*DAMAGE, RuntimeError) as error:
        msg = f"{path}: the pixels of {one.name} are damaged or cut short; copy or export it again"
        raise VolumeError(msg) from error
    if pixels is None:
        return _decode_with_itk(path, one, syntax)
    return pixels.reshape(-1, *pixels.shape[-2:]) if one.frame is not None else _rescale(pixels, one)


def _decompressed(dataset: pydicom.Dataset) -> np.ndarray | None:
    """The stored values, or None where pydicom has no decoder for them or its decoder cannot handle them."""
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        if syntax.is_encapsulated and not get_decoder(syntax).is_available:
            return None
        pixels: np.ndarray = dataset.pixel_array
    except (*DAMAGE, RuntimeError):
        if syntax.is_encapsulated:
            return None
        raise
    return pixels


def _decode_with_itk(path: Path, one: Slice, syntax: pydicom.uid.UID) -> np.ndarray:
    """Decode a compressed single slice by the GDCM inside SimpleITK, which applies slope and intercept itself."""
    try:
        if one.frame is not None:
            msg = "multi-frame"
            raise RuntimeError(msg)
        with tempfile.TemporaryDirectory() as folder, one.open() as file:
            copy = Path(folder, "slice.dcm")
            copy.write_bytes(file.read())
            pixels: np.ndarray = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(copy))[0]
    except RuntimeError as error:
        msg = (
            f"{path}: {one.name} is compressed as {syntax.name}, which cannot be decoded here, or it is damaged; run "
            "`pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg`, or export the series uncompressed"
        )
        raise VolumeError(msg) from error
    return pixels


def _rescale(pixels: np.ndarray, one: Slice) -> np.ndarray:
    if one.slope.is_integer() and one.intercept.is_integer():
        return pixels.astype(np.int32) * int(one.slope) + int(one.intercept)
    return pixels.astype(np.float32) * np.float32(one.slope) + np.float32(one.intercept)
