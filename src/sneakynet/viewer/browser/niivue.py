"""NiiVue, the library that draws in the browser: from the package if its build could fetch it, else from a cache."""

import os
from pathlib import Path

from sneakynet.errors import SettingError
from sneakynet.viewer.browser.npm_package import SCRIPT, TARBALL, VERSION, downloaded, unpacked
from sneakynet.volumes.atomic import make_folder, write_whole

WEB = Path(__file__).parent / "web"
"""The page's own files."""


def niivue_script(cache: Path | None = None) -> Path:
    """Where NiiVue lies; fetched first if it is nowhere yet (7 MB, once).

    Args:
        cache: folder that it is kept in; the user's own by default.

    Raises:
        SettingError: it cannot be fetched; the message says how to bring it without a network.
        OutputError: the cache cannot be written.
    """
    if (WEB / SCRIPT).is_file():
        return WEB / SCRIPT
    cache = _cache() if cache is None else cache
    script = cache / SCRIPT
    if not script.is_file():
        content = _fetched(cache)
        make_folder(cache)
        with write_whole(script) as part:
            part.write_bytes(content)
    return script


def _fetched(cache: Path) -> bytes:
    tarball = cache / TARBALL
    try:
        return unpacked(tarball.read_bytes()) if tarball.is_file() else downloaded()
    except (OSError, ValueError) as error:
        source = tarball if tarball.is_file() else "the npm registry"
        msg = (
            f"the viewer needs NiiVue {VERSION} once, and {source} did not give it ({error}); try again with a "
            f"network, or run `npm pack @niivue/niivue@{VERSION}` on another machine and put {TARBALL} into {cache}"
        )
        raise SettingError(msg) from error


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "sneakynet"
