"""A zip from outside: its members under names of our own, within bounds."""

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError, unreadable

_CHUNK = 2**20
# A few KB of text or zeros may well be much smaller packed; a ratio says something of large ones only.
_RATIO_FROM = 16 * 2**20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError, RuntimeError)


def unpack(archive: Path, folder: Path, *, limits: Limits) -> int:
    """Unpack a zip. Its members' names are looked at, but name nothing: the files are 000000.dcm, 000001.dcm ...

    Args:
        archive: the zip.
        folder: empty, gets the files.
        limits: bounds on members, bytes and ratio. What the zip claims is checked first, what comes out is counted.

    Returns:
        How many files there are.

    Raises:
        RefusalError: damaged, locked, beyond a bound, or with members that a scan does not have: links, or names
            that lead out of the archive.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            allowed = _allowed(members, archive.stat().st_size, limits)
            left = allowed
            for number, member in enumerate(members):
                left -= _extract(opened, member, folder / f"{number:06}.dcm", most=left, allowed=allowed)
    except _DAMAGE as error:
        msg = "the zip file is damaged or cut short; pack it again"
        raise unreadable(msg) from error
    return len(members)


def _allowed(members: list[zipfile.ZipInfo], size: int, limits: Limits) -> int:
    """Bytes that may come out; what must not go in at all is refused."""
    if not members:
        msg = "the zip file is empty; pack the folder of a DICOM series"
        raise unreadable(msg)
    if len(members) > limits.members:
        msg = f"the zip file holds {len(members)} files, {limits.members} are allowed; pack one series alone"
        raise RefusalError(413, msg)
    for member in members:
        if member.flag_bits & 0x1:
            msg = "the zip file asks for a password; pack it without one"
            raise unreadable(msg)
        if member.compress_type not in _METHODS:
            msg = f"the zip file is packed by method {member.compress_type}; stored and deflated members are read"
            raise unreadable(msg)
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            msg = "the zip file holds a link or a device; pack the files themselves"
            raise unreadable(msg)
        if _leads_out(member.filename):
            msg = "the zip file holds a name that leads out of it (.., a drive or an absolute path); pack it again"
            raise unreadable(msg)
    allowed = min(limits.expanded, max(size * limits.ratio, _RATIO_FROM))
    claimed = sum(member.file_size for member in members)
    if claimed > allowed:
        raise _too_large(allowed)
    return allowed


def _leads_out(name: str) -> bool:
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    return bool(windows.anchor) or posix.is_absolute() or ".." in windows.parts or "\0" in name


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, *, most: int, allowed: int) -> int:
    written = 0
    with archive.open(member) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise _too_large(allowed)
            file.write(chunk)
    return written


def _too_large(allowed: int) -> RefusalError:
    return RefusalError(
        413, f"the zip file holds more than {allowed / 2**20:.0f} MB unpacked, which is what is allowed"
    )
