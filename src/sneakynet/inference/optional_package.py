"""Packages that only some installations have."""

from importlib import import_module
from types import ModuleType

from sneakynet.errors import SettingError


def optional_package(name: str, *, extra: str) -> ModuleType:
    """Import a package that an extra brings.

    Args:
        name: of the package.
        extra: that brings it.

    Raises:
        SettingError: it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name:
            raise  # the package is there, something that it needs is not
        msg = f"this needs the package {name}, which is not installed; run pip install 'sneakynet[{extra}]'"
        raise SettingError(msg) from error
