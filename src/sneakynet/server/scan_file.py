"""What a single file from outside is, and whether it may be opened: told from its head, never from its name."""

import gzip
import math
import re
import zlib
from pathlib import Path

from nibabel import Nifti1Header, Nifti2Header

from sneakynet.server.job import ScanKind
from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError, unreadable

_HEAD = 2**16
_CHUNK = 2**22
_GZIP, _ZIP = b"\x1f\x8b", b"PK"
_KNOWN = "give a CT scan as NIfTI (.nii, .nii.gz), NRRD (.nrrd), MetaImage (.mha), or a DICOM series as a zip"

# NRRD names its fields in any case, with and without a space.
_NRRD_SIZES = re.compile(rb"^sizes:(.*)$", re.IGNORECASE | re.MULTILINE)
_NRRD_DATA_FILE = re.compile(rb"^\s*data ?file\s*:", re.IGNORECASE | re.MULTILINE)
_MHA_SIZES = re.compile(rb"^DimSize\s*[=:](.*)$", re.MULTILINE)
_MHA_DATA_FILE = re.compile(rb"^ElementDataFile\s*[=:]\s*LOCAL\s*?\n", re.MULTILINE)


def kind_of(path: Path) -> ScanKind | None:
    """What a file holds.

    Args:
        path: a file that is not empty.

    Returns:
        None for a zip, whose members are to be looked at.

    Raises:
        RefusalError: nothing that can be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[:4] in {_ZIP + b"\3\4", _ZIP + b"\5\6"}:
        return None
    if head[:2] == _GZIP:
        return "nii.gz"
    if _is_nifti(head):
        return "nii"
    if head[:7] == b"NRRD000":
        return "nrrd"
    if head[128:132] == b"DICM":
        return "dicom"
    if b"ElementDataFile" in head and re.match(rb"(ObjectType|NDims|Comment)\b", head):
        return "mha"
    msg = f"this is no scan that can be read; {_KNOWN}"
    raise unreadable(msg)


def check_file(path: Path, kind: ScanKind, *, limits: Limits) -> None:
    """Refuse what a file must not claim, before anything is reserved for it.

    Args:
        path: the file.
        kind: from `kind_of`, not DICOM.
        limits: bounds on voxels and on what a gzip expands to.

    Raises:
        RefusalError: a grid beyond the bounds or larger than the file, a gzip that is cut short or too large, or a
            header that points to another file.
    """
    if kind == "nii.gz":
        head, size = _inflated(path, limits)
        if not _is_nifti(head):
            msg = f"the gzip file holds no NIfTI; {_KNOWN}"
            raise unreadable(msg)
        _check_nifti(head, size, limits)
    elif kind == "nii":
        with path.open("rb") as file:
            _check_nifti(file.read(_HEAD), path.stat().st_size, limits)
    else:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        _check_sizes(_nrrd_sizes(head) if kind == "nrrd" else _mha_sizes(head), limits)


def _inflated(path: Path, limits: Limits) -> tuple[bytes, int]:
    """Head and size of a gzip's content; all of it is unpacked once, and thrown away."""
    head, size = b"", 0
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK):
                head = head or chunk[:_HEAD]
                size += len(chunk)
                if size > limits.expanded:
                    msg = (
                        f"the file holds more than {limits.expanded / 2**20:.0f} MB unpacked, which is what is allowed"
                    )
                    raise RefusalError(413, msg)
    except (OSError, EOFError, zlib.error) as error:
        msg = "the gzip file is damaged or cut short; copy or export it again"
        raise unreadable(msg) from error
    return head, size


def _is_nifti(head: bytes) -> bool:
    return len(head) >= 348 and (head[344:347] == b"n+1" or head[4:7] == b"n+2")


def _check_nifti(head: bytes, size: int, limits: Limits) -> None:
    try:
        first = head[344:347] == b"n+1"
        header = Nifti1Header(head[:348], check=False) if first else Nifti2Header(head[:540], check=False)
        shape = [int(n) for n in header["dim"][1 : 1 + int(header["dim"][0])]]
        needed = math.prod(shape) * header.get_data_dtype().itemsize + int(header["vox_offset"])
    except Exception as error:  # nibabel raises what it likes on a scrambled header
        msg = "the NIfTI header is damaged; copy or export the file again"
        raise unreadable(msg) from error
    _check_sizes(shape, limits)
    if needed > size:
        msg = f"the NIfTI header speaks of {needed} bytes, the file holds {size}; copy or export it again"
        raise unreadable(msg)


def _nrrd_sizes(head: bytes) -> list[int]:
    lines = head.replace(b"\r\n", b"\n").partition(b"\n\n")
    if not lines[1] or _NRRD_DATA_FILE.search(lines[0]):
        msg = "the NRRD file keeps its voxels in another file; write header and voxels into one .nrrd"
        raise unreadable(msg)
    return _numbers(_NRRD_SIZES.findall(lines[0]))


def _mha_sizes(head: bytes) -> list[int]:
    # The first mention must be the field itself: the reader meets none before it.
    field, found = head.find(b"ElementDataFile"), _MHA_DATA_FILE.search(head)
    if found is None or found.start() != field:
        msg = "the MetaImage file keeps its voxels in another file; write header and voxels into one .mha"
        raise unreadable(msg)
    return _numbers(_MHA_SIZES.findall(head[:field]))


def _numbers(fields: list[bytes]) -> list[int]:
    if len(fields) != 1 or not re.fullmatch(rb"\s*\d{1,9}(\s+\d{1,9})*\s*", fields[0]):
        msg = "the header does not say how many voxels there are; copy or export the file again"
        raise unreadable(msg)
    return [int(word) for word in fields[0].split()]


def _check_sizes(shape: list[int], limits: Limits) -> None:
    if not shape or min(shape) < 1:
        msg = f"the header speaks of {' x '.join(map(str, shape)) or 'no'} voxels; copy or export the file again"
        raise unreadable(msg)
    if math.prod(shape) > limits.voxels:
        msg = f"the scan of {' x '.join(map(str, shape))} voxels is too large; {limits.voxels} voxels are allowed"
        raise RefusalError(413, msg)
