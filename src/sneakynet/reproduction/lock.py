"""One command at a time works in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sneakynet.errors import SettingError

try:
    import fcntl
except ImportError:  # Windows: two commands in one folder are the user's own care there
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other commands out of a folder until the block ends or this process does, however it does.

    Raises:
        SettingError: another command is at work there.
    """
    with (folder / ".lock").open("w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                msg = f"another command is at work in {folder}; wait for it, or choose another folder with -o"
                raise SettingError(msg) from error
        yield
