"""One pinned file of the npm registry. Standard library alone: the build of the package loads this file by its path."""

import base64
import hashlib
import io
import os
import re
import tarfile
from pathlib import Path
from urllib.request import Request, urlopen

VERSION = "0.69.0"
"""Of NiiVue, <https://github.com/niivue/niivue>, BSD-2-Clause."""

TARBALL = f"niivue-niivue-{VERSION}.tgz"
"""Name under which ``npm pack`` leaves it."""

SCRIPT = f"niivue-{VERSION}.js"
"""Name under which it lies in the package or in the user's cache."""

_INTEGRITY = "YMjQvJgD1W2b7DuoxkwlC4VxbrgIePRJ5qyQzXKxi2v2MBVg285P/CIQyg46oDDGDIcaNlbd+MhtO/edMbXJkA=="  # sha512
_MEMBER = "package/dist/index.js"
_PUBLIC = "https://registry.npmjs.org"
_TIMEOUT = 60
"""Seconds without a byte."""


def downloaded() -> bytes:
    """The script, from the npm registry or the mirror that npm is set to.

    Raises:
        OSError: the registry cannot be reached.
        ValueError: what it sent is not the pinned package.
    """
    request = Request(f"{_registry()}/@niivue/niivue/-/niivue-{VERSION}.tgz", headers={"User-Agent": "sneakynet"})
    with urlopen(request, timeout=_TIMEOUT) as answer:
        return unpacked(answer.read())


def unpacked(tarball: bytes) -> bytes:
    """The script in the package's tarball.

    Raises:
        ValueError: it is not the pinned package.
    """
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if digest != _INTEGRITY:
        msg = f"its sha512 is {digest}, that of NiiVue {VERSION} is {_INTEGRITY}"
        raise ValueError(msg)
    with tarfile.open(fileobj=io.BytesIO(tarball)) as tar:
        member = tar.extractfile(_MEMBER)
        assert member is not None  # the hash says what is in it
        return member.read()


def _registry() -> str:
    """Where npm would look: its variable, the user's file, the public registry."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    try:
        text = (Path.home() / ".npmrc").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^\s*registry\s*=\s*(https?://\S+)", text, re.MULTILINE)
    return found[1].rstrip("/") if found else _PUBLIC
