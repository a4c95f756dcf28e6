"""Another DICOM program: what it calls itself, and where it is."""

import re
from dataclasses import dataclass

from sneakynet.errors import SettingError

_TITLE = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?")  # 1 to 16 characters, no backslash


@dataclass(frozen=True)
class Archive:
    """Where results are sent.

    Args:
        title: its AE title.
        host: name or address.
        port: of its DICOM service.
    """

    title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Archive":
        """Read ``AET@host:port``.

        Raises:
            SettingError: it is written otherwise.
        """
        title, _, address = text.rpartition("@")
        host, _, port = address.rpartition(":")
        if not title or not host or not port.isdigit() or not 0 < int(port) < 2**16:
            msg = f"an archive is given as AET@host:port, such as ORTHANC@127.0.0.1:4242, got {text!r}"
            raise SettingError(msg)
        return cls(checked_title(title), host, int(port))


@dataclass(frozen=True)
class Sender:
    """Who may send scans.

    Args:
        title: its AE title.
        address: it must come from there; None takes any.
    """

    title: str
    address: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Sender":
        """Read ``AET`` or ``AET@address``.

        Raises:
            SettingError: the title is none.
        """
        title, _, address = text.partition("@")
        return cls(checked_title(title), address or None)


def checked_title(title: str) -> str:
    """An AE title that DICOM allows.

    Raises:
        SettingError: it does not.
    """
    if not _TITLE.fullmatch(title):
        msg = f"an AE title has 1 to 16 ASCII characters without backslash, got {title!r}"
        raise SettingError(msg)
    return title
