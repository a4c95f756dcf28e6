"""Which scans are meant by the files, folders and lists that were named."""

import os
from collections.abc import Iterable
from pathlib import Path

from sneakynet.counted import counted
from sneakynet.errors import SettingError
from sneakynet.volumes.dicom_folder import dicom_folders, first_dicom_file
from sneakynet.volumes.read import VOLUME_ENDINGS

_ENDINGS = (*VOLUME_ENDINGS, ".zip")
# Longest first: `.seg.nrrd` ends in `.nrrd` too.
_STRIPPED = tuple(sorted((".seg.nrrd", *_ENDINGS), key=len, reverse=True))


def find_scans(paths: Iterable[Path], *, output: Path, series: str | None = None) -> tuple[Path, ...]:
    """Every scan that is meant, in the order of the paths; the scans of a folder by name.

    A folder is a folder of scans when volume files or zips lie in it, or when its folders hold DICOM of several
    studies. Any other folder is one scan: its DICOM files are read through all its folders.

    Args:
        paths: scans or folders of scans. One that is not there is returned as it is: its reader will say so.
        output: folder for the results.
        series: which series to read of a folder; where it is given, folders that hold folders are one scan each.

    Raises:
        SettingError: a folder that can be understood in two ways, or a folder of scans that is to get the results.
    """
    scans: list[Path] = []
    for path in paths:
        # What may not be listed is left to the reader too: it says so, and the other scans go on.
        inside = _scans_in(path, series) if path.is_dir() and os.access(path, os.R_OK | os.X_OK) else (path,)
        if inside != (path,) and path.resolve() == output.resolve():
            held = counted(len(inside), "scan")
            msg = f"{path} is read as a folder of {held} and cannot get their results too; choose another"
            raise SettingError(msg)
        scans.extend(inside)
    return tuple(scans)


def read_list(path: Path) -> tuple[Path, ...]:
    """The paths that a text file lists, one a line.

    Args:
        path: the file, UTF-8. Empty lines and lines that begin with ``#`` do not count; relative paths start from the
            working folder.

    Raises:
        SettingError: it cannot be read, or lists nothing.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        msg = f"cannot read the list {path}: {reason}; give a text file with one scan a line"
        raise SettingError(msg) from error
    listed = tuple(Path(line) for line in lines if line and not line.startswith("#"))
    if not listed:
        msg = f"the list {path} names no scan; write one path a line"
        raise SettingError(msg)
    return listed


def case_name(path: Path) -> str:
    """Name of a scan: its file's without the ending and without nnU-Net's channel number, or its folder's.

    Args:
        path: file or folder.
    """
    name = path.name or path.resolve().name
    for ending in _STRIPPED:
        if name.lower().endswith(ending) and len(name) > len(ending):
            stem = name[: -len(ending)]
            return stem.removesuffix("_0000") or stem
    return name


def _scans_in(folder: Path, series: str | None) -> tuple[Path, ...]:
    volumes = tuple(sorted(path for path in folder.iterdir() if _is_volume(path)))
    inside = first_dicom_file(folder)
    around = dicom_folders(folder) if inside is None else ()
    if volumes and (inside or around):
        msg = (
            f"{folder} holds volume files ({volumes[0].name}) and DICOM ({(inside or around[0].path).name}): it may be "
            "a folder of scans or one scan; name the scans one by one, or put the two kinds into folders of their own"
        )
        raise SettingError(msg)
    if volumes:
        return volumes
    if len(around) < 2 or series is not None:
        return (folder,)
    studies = {one.study for one in around}
    if "" in studies:
        nameless = next(one.path.name for one in around if not one.study)
        msg = (
            f"{folder}: {len(around)} of its folders hold DICOM, and that in {nameless} does not say which study it "
            f"belongs to: they may be parts of one scan or a scan each; name them one by one ({folder}/*), or choose "
            "a series with --series"
        )
        raise SettingError(msg)
    return (folder,) if len(studies) == 1 else tuple(one.path for one in around)


def _is_volume(path: Path) -> bool:
    name = path.name.lower()
    # Files of our own and of macOS begin with a dot; a Slicer segmentation is the result for a scan, not one.
    return name.endswith(_ENDINGS) and not name.startswith(".") and not name.endswith(".seg.nrrd") and path.is_file()
