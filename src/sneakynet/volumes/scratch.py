"""Arrays that lie on disk while they are made."""

import mmap
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from sneakynet.errors import OutputError


def scratch_array(shape: tuple[int, ...], dtype: DTypeLike, *, folder: Path | None) -> np.ndarray:
    """An array of zeros, in memory or in a nameless file.

    The file has no name from the start and is gone with the array, however the process ends. Its space is reserved
    here: a disk that is full says so now, where a write into a mapped file would end the process later.

    Args:
        shape: of the array.
        dtype: of its elements.
        folder: where the file lies; None keeps the array in memory.

    Returns:
        The array, C order.

    Raises:
        OutputError: the folder has no room, or cannot be written to.
    """
    if folder is None:
        return np.zeros(shape, dtype)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as error:
        reason = error.strerror or str(error)
        msg = f"cannot keep {-(-size // 2**20)} MB in {folder}: {reason}; free some space or choose another folder"
        raise OutputError(msg) from error


def let_go(array: np.ndarray | None) -> None:
    """Let what was written to a scratch array leave memory; the file keeps it. Nothing happens to one in memory."""
    if isinstance(array, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        pages: mmap.mmap = array._mmap  # type: ignore[attr-defined]
        pages.madvise(mmap.MADV_DONTNEED)
