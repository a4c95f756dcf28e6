"""Phantoms without end: bodies made by worker processes while training goes on, kept in a cache of bounded size."""

import hashlib
import importlib.metadata
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.body_folder import load_body, save_body
from sneakynet.data.worker import start_worker
from sneakynet.errors import DatasetError, SettingError
from sneakynet.phantom.body import Body
from sneakynet.phantom.phantom import check_settings, make_body
from sneakynet.phantom.settings import PhantomSettings
from sneakynet.volumes.atomic import make_folder


class PhantomSource:
    """Bodies by index: the same seed, index and settings give the same body, whoever makes it and when.

    Use as a context manager, or call :meth:`close`: worker processes are ended then.

    Args:
        seed: body ``n`` is the phantom of seed ``seed + n``.
        count: how many there are.
        spacing: mm per voxel.
        settings: what phantoms are drawn from.
        table: the classes.
        cache: folder for made bodies; those of other settings or versions lie apart in it.
        cache_gb: the least recently made are removed beyond this size.
        workers: processes; 0 makes bodies in this one.

    Raises:
        SettingError: a value outside what is allowed.
        OutputError: the cache cannot be written.
    """

    def __init__(
        self,
        *,
        seed: int,
        count: int,
        spacing: float,
        settings: PhantomSettings | None = None,
        table: BoneTable | None = None,
        cache: Path,
        cache_gb: float = 4.0,
        workers: int = 1,
    ) -> None:
        check_settings(seed, spacing=spacing)
        if count < 1 or cache_gb <= 0 or workers < 0:
            msg = f"count must be 1 or more, cache_gb above 0 and workers 0 or more; got {count}, {cache_gb}, {workers}"
            raise SettingError(msg)
        self.spacing = spacing
        self._seed, self._count, self._bytes = seed, count, int(cache_gb * 1e9)
        self._settings = PhantomSettings() if settings is None else settings
        self._table = BoneTable.default() if table is None else table
        self._cache = cache / _digest(spacing, self._settings, self._table)
        make_folder(self._cache)
        # Workers start fresh: forking a process that runs torch threads can hang.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker) if workers else None
        self._coming: dict[int, Future[None]] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Body:
        """Body ``index``, from the cache or made now.

        Raises:
            IndexError: beyond the count.
        """
        if not 0 <= index < self._count:
            msg = f"there are {self._count} phantoms, 0 to {self._count - 1}; got {index}"
            raise IndexError(msg)
        path = self._path(index)
        waiting = self._coming.pop(index, None)
        if waiting is not None:
            waiting.result()
        if path.is_file():
            try:
                return load_body(path)
            except DatasetError:
                path.unlink(missing_ok=True)  # damaged: made again
        _make(path, self._seed + index, self.spacing, self._settings, self._table)
        self._trim(keep=path)
        return load_body(path)

    def prefetch(self, indices: Iterable[int]) -> None:
        """Have workers make the bodies that are not there yet."""
        if self._pool is None:
            return
        for index in indices:
            if index not in self._coming and not self._path(index).is_file():
                self._coming[index] = self._pool.submit(
                    _make, self._path(index), self._seed + index, self.spacing, self._settings, self._table
                )
        self._trim(keep=None)

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def __enter__(self) -> "PhantomSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _path(self, index: int) -> Path:
        return self._cache / f"body_{self._seed + index:07d}.npz"

    def _trim(self, *, keep: Path | None) -> None:
        """Remove the oldest bodies until the cache is small enough."""
        files = sorted(self._cache.glob("body_*.npz"), key=lambda path: path.stat().st_mtime_ns)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._bytes:
                return
            if path != keep:
                total -= path.stat().st_size
                path.unlink(missing_ok=True)


def _digest(spacing: float, settings: PhantomSettings, table: BoneTable) -> str:
    """Differs whenever the bodies would."""
    facts = (importlib.metadata.version("sneakynet"), spacing, settings, table.names)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _make(path: Path, seed: int, spacing: float, settings: PhantomSettings, table: BoneTable) -> None:
    save_body(path, make_body(seed, spacing=spacing, settings=settings, table=table))
