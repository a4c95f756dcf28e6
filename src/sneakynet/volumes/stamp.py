"""Whether a scan is still the one that was read: what its files look like on disk."""

import re
from dataclasses import dataclass
from pathlib import Path

from sneakynet.errors import VolumeError
from sneakynet.volumes.dicom_slices import DICOM_RESULTS
from sneakynet.volumes.read import VOLUME_ENDINGS

# What lies in a DICOM folder without being a slice: results may be written there while the scan is worked on.
_NO_SLICE = (".json", ".png", *DICOM_RESULTS, *VOLUME_ENDINGS)

# Where a MetaImage or NRRD header names the file with its voxels.
_DATA_FILE = re.compile(rb"^(?:ElementDataFile|data ?file)\s*[:=]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_HEADER = 1 << 16


@dataclass(frozen=True)
class Stamp:
    """What the files of a scan looked like at one time.

    Args:
        files: file -> bytes and time of the last change in ns. A file that is missing is not in it.
    """

    files: dict[str, tuple[int, int]]

    @classmethod
    def of(cls, path: Path) -> "Stamp":
        """Look at a scan's files; their content is not read.

        Args:
            path: file, or DICOM folder with all its folders.
        """
        if path.is_dir():
            files = [file for file in path.rglob("*") if _may_be_slice(file) and file.is_file()]
        else:
            files = [path, *_data_files(path)]
        return cls({str(file): look for file in sorted(files) if (look := _look(file)) is not None})


def check_unchanged(path: Path, before: Stamp) -> None:
    """Refuse a scan that was written to, or is still being copied, since a stamp was taken.

    Args:
        path: the scan.
        before: its stamp from before it was read.

    Raises:
        VolumeError: a file was changed, came or went.
    """
    now = Stamp.of(path)
    if now == before:
        return
    changed = sorted(file for file, _ in before.files.items() ^ now.files.items())
    first = changed[0]
    if first not in before.files:
        how = f"{first} is new"
    elif first not in now.files:
        how = f"{first} is gone"
    elif before.files[first][0] != now.files[first][0]:
        how = f"{first} had {before.files[first][0]} bytes and has {now.files[first][0]}"
    else:
        how = f"{first} was written anew"
    msg = f"{path}: the scan changed while it was worked on ({how}), so nothing was written; run again once it is whole"
    raise VolumeError(msg)


def _look(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _may_be_slice(file: Path) -> bool:
    return not file.name.startswith(".") and not file.name.lower().endswith(_NO_SLICE)


def _data_files(path: Path) -> list[Path]:
    """The file with the voxels, where a header stands in a file of its own."""
    if path.suffix.lower() not in {".mhd", ".nhdr"}:
        return []
    try:
        with path.open("rb") as file:
            found = _DATA_FILE.search(file.read(_HEADER))
    except OSError:
        return []
    return [path.parent / found[1].decode("utf-8", errors="surrogateescape")] if found else []
