"""Files by names that come from outside."""

from pathlib import Path


def file_in(folder: Path, name: str) -> Path | None:
    """The file behind a name that someone asks for.

    Args:
        folder: nothing outside of it is given, not by ``..``, not by a link.
        name: of a file in it or below.

    Returns:
        None where there is no such file.
    """
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None
