"""Files that are written whole or not at all, and the folders they go to."""

import errno
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sneakynet.errors import OutputError

_REMEDY = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENAMETOOLONG: "the file name is too long; choose a shorter one",
}


# A temporary file, and the file that it was to become. The digits tell those of several processes apart.
_PART = re.compile(r"\.part-[0-9a-f]{8}-(.+)", re.DOTALL)


@contextmanager
def write_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what is written there takes ``path``'s place when the block ends.

    The temporary name has the same ending, because writers choose their format by it. When the block raises,
    the temporary file goes and whatever stood at ``path`` before stays as it was.

    Args:
        path: the file to be written. Its folder must exist.

    Yields:
        The path to write to. The block must leave a file there.

    Raises:
        OutputError: the folder is missing or not writable, ``path`` is a folder, or the disk is full.
    """
    target = Path(path)
    part = target.with_name(f".part-{secrets.token_hex(4)}-{target.name}")
    try:
        _check_target(target)
        try:
            yield part
            part.replace(target)
        finally:
            # After a successful replace there is nothing left to remove.
            part.unlink(missing_ok=True)
    except OutputError:
        raise
    except OSError as error:
        raise _refused(target, error) from error


@contextmanager
def write_whole_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, which takes ``path``'s place when the block ends.

    When the block raises, the temporary folder goes and whatever stood at ``path`` before stays as it was.

    Args:
        path: the folder to be written; those that it lies in are made.
        overwrite: whether a folder that is there already goes, with all that it holds. An empty one always does.

    Yields:
        The empty folder to write to.

    Raises:
        OutputError: ``path`` is there already, cannot be written, or the disk is full.
    """
    target = Path(path).resolve()  # what a link points to, and "." by its name
    suffix = f"{secrets.token_hex(4)}-{target.name}"
    part, old = target.with_name(f".part-{suffix}"), target.with_name(f".old-{suffix}")
    try:
        _check_target_folder(target, overwrite=overwrite)
        part.mkdir(parents=True)
        try:
            yield part
            if target.exists():
                target.replace(old)
            try:
                part.replace(target)
            except BaseException:
                if old.exists():
                    old.replace(target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        finally:
            # After a successful replace there is nothing left to remove.
            shutil.rmtree(part, ignore_errors=True)
    except OutputError:
        raise
    except OSError as error:
        raise _refused(target, error) from error


def sweep_parts(paths: Iterable[Path]) -> None:
    """Remove what a killed process left of `write_whole`: it had no chance to do so itself.

    Args:
        paths: the files that were to be written. No other process may be writing them.

    Raises:
        OutputError: a leftover cannot be removed.
    """
    targets = tuple(paths)
    names = {target.name for target in targets}
    for folder in {target.parent for target in targets}:
        for part in list(folder.glob(".part-*")):
            if (found := _PART.fullmatch(part.name)) is None or found[1] not in names:
                continue
            try:
                part.unlink(missing_ok=True)
            except OSError as error:
                reason = _REMEDY.get(error.errno or 0, error.strerror or str(error))
                msg = f"cannot remove {part}, which an earlier run left: {reason}"
                raise OutputError(msg) from error


def make_folder(folder: Path) -> None:
    """Make a folder for results and try it, before an hour of work is done for nothing.

    Args:
        folder: may be there already.

    Raises:
        OutputError: it cannot be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror or str(error)
        msg = f"cannot write into the folder {folder}: {reason}; choose another"
        raise OutputError(msg) from error


@contextmanager
def claimed_folder(folder: Path) -> Iterator[None]:
    """Make a folder for results and try it; take it away again if the block raises and has left nothing in it.

    Args:
        folder: may be there already.

    Raises:
        OutputError: it cannot be made, or not be written to.
    """
    absent = [each for each in (folder, *folder.parents) if not each.exists()]
    make_folder(folder)
    try:
        yield
    except BaseException:
        for each in absent:
            with suppress(OSError):  # something is in it
                each.rmdir()
        raise


def _refused(target: Path, error: OSError) -> OutputError:
    remedy = _REMEDY.get(error.errno or 0, error.strerror or str(error))
    return OutputError(f"cannot write {target}: {remedy}")


def _check_target_folder(target: Path, *, overwrite: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        msg = f"cannot write the folder {target}: it is a file; choose another name"
        raise OutputError(msg)
    if not overwrite and any(target.iterdir()):
        msg = f"cannot write the folder {target}: it is there already; choose another, or overwrite it"
        raise OutputError(msg)


def _check_target(target: Path) -> None:
    if target.is_dir():
        msg = f"cannot write {target}: it is a folder; give a file name"
        raise OutputError(msg)
    if not target.parent.is_dir():
        msg = f"cannot write {target}: there is no folder {target.parent}; make it first or choose another"
        raise OutputError(msg)
    if not os.access(target.parent, os.W_OK):
        msg = f"cannot write {target}: no permission to write in {target.parent}; choose another folder"
        raise OutputError(msg)
