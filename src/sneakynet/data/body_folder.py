"""Bodies on disk: what phantoms and label maps are kept as, so that every epoch can paint new scans of them.

One ``.npz`` (NumPy's own format, compressed) per body; a body of 3 mm takes 0.2 to 0.5 MB.
"""

import json
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.errors import DatasetError
from sneakynet.phantom.body import Body
from sneakynet.volumes.atomic import write_whole

INDEX = "bodies.json"
"""The file that makes a folder one of bodies: its format, spacing and bone table."""

_FORMAT, _VERSION = "sneakynet-bodies", 1
_ARRAYS = ("labels", "tissues", "bone", "cortex", "metal")

# Unpacking a whole body of 2 mm takes half a second, longer than painting it on a GPU; zlib leaves Python alone.
_READERS = 4


def save_body(path: Path, body: Body) -> None:
    """Write a body, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays = {name: getattr(body, name) for name in _ARRAYS}
    facts = np.frombuffer(json.dumps(body.facts).encode(), np.uint8)
    with write_whole(path) as part:
        np.savez_compressed(part, affine=body.affine, facts=facts, **arrays)


def load_body(path: Path) -> Body:
    """Read what :func:`save_body` wrote.

    Raises:
        DatasetError: the file is missing, damaged or of another kind.
    """
    try:
        # Opened here: given a path, NumPy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _ARRAYS}
            facts = json.loads(stored["facts"].tobytes())
            return Body(**arrays, affine=stored["affine"], facts=facts)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        msg = f"cannot read the body {path}: damaged or no body ({type(error).__name__}); remove it, or make it again"
        raise DatasetError(msg) from error


def write_index(folder: Path, *, spacing: float, table: BoneTable) -> None:
    """Mark a folder as one of bodies.

    Raises:
        OutputError: the file cannot be written.
    """
    content = {"format": _FORMAT, "version": _VERSION, "spacing": spacing, "bones": list(table.names)}
    with write_whole(folder / INDEX) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


class BodyFolder:
    """The bodies of a folder by index, the latest used ones kept in memory.

    Args:
        folder: with ``bodies.json`` and ``*.npz``.
        table: the classes that the labels must be of.
        keep: how many bodies stay in memory.

    Raises:
        DatasetError: no folder of bodies, none in it, or bodies of another bone table.
    """

    def __init__(self, folder: Path, *, table: BoneTable, keep: int = 64) -> None:
        index = _read_index(folder)
        if index["bones"] != list(table.names):
            bones = counted(len(index["bones"]), "bone")
            msg = f"the bodies in {folder} are labelled with another bone table ({bones}); give it with --table"
            raise DatasetError(msg)
        self.spacing = float(index["spacing"])
        self.files = sorted(folder.glob("*.npz"))
        if not self.files:
            msg = f"{folder} holds no bodies (*.npz); make some with sneakynet phantom --bodies"
            raise DatasetError(msg)
        self._keep = keep
        self._memory: OrderedDict[int, Body] = OrderedDict()
        self._coming: dict[int, Future[Body]] = {}
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="bodies")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Body:
        if index not in self._memory:
            coming = self._coming.pop(index, None)
            self._memory[index] = load_body(self.files[index]) if coming is None else coming.result()
            if len(self._memory) > self._keep:
                self._memory.popitem(last=False)
        self._memory.move_to_end(index)
        return self._memory[index]

    def __iter__(self) -> Iterator[Body]:
        return (self[index] for index in range(len(self)))

    def prefetch(self, indices: Iterable[int]) -> None:
        """Read what is not in memory beside whatever else is done; a fault shows when the body is asked for."""
        for index in indices:
            if index not in self._memory and index not in self._coming:
                self._coming[index] = self._readers.submit(load_body, self.files[index])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files, without ending."""
        return tuple(path.stem for path in self.files)


def is_body_folder(folder: Path) -> bool:
    """Whether a folder says that it holds bodies."""
    return (folder / INDEX).is_file()


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"cannot read {path}: {type(error).__name__}; give a folder written by sneakynet phantom --bodies"
        raise DatasetError(msg) from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT or content.get("version") != _VERSION:
        msg = f"{path} is no index of bodies of this version ({_FORMAT} {_VERSION}); make the bodies again"
        raise DatasetError(msg)
    return content
