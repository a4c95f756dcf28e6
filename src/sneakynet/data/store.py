"""A prepared case on disk: one Blosc2 store (``.b2z``), from which boxes are decompressed as they are asked for.

The file is a zip archive, itself uncompressed, of Blosc2 arrays, as ``blosc2.DictStore`` reads and writes it; it is
written here in one pass and in no other place, so that it is there whole or not at all. The archive's checksums
(CRC-32, one for each array) tell a damaged file. It is mapped: the system keeps in memory what is used, and gives it
up where memory is short.

```
scan/0, scan/1, ...      int16, HU; level n is pooled by 2**n
labels/0, labels/1, ...  class ids
shape                    voxels along i, j, k before the scan was padded for pooling
centres                  voxels [n 3] of all classes, one class after the other
classes                  for each class in turn: its id, and how many of the voxels are its own
```
"""

import mmap
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import blosc2
import numpy as np
import torch
from jaxtyping import Integer
from torch import Tensor

from sneakynet.data.case import Case
from sneakynet.data.pyramid import Pyramid
from sneakynet.volumes.atomic import write_whole

# Edges of what is compressed together, measured by benchmarks/store.py: a patch of 64 voxels touches few blocks
# that it does not need, and few chunks. Labels are runs of one value, which shuffled bytes would only slow down.
_CHUNK, _BLOCK = (64, 64, 64), (16, 16, 32)
_CENTRES_CHUNK, _CENTRES_BLOCK = (1 << 16, 3), (1 << 11, 3)
_SCAN_FILTER, _LABEL_FILTER = blosc2.Filter.SHUFFLE, blosc2.Filter.NOFILTER

# Of a zip archive's entry before its name; the lengths of the name and of what follows it stand at its end.
_ENTRY = 30


class DamagedStoreError(Exception):
    """A store that is not what was written; the message says what is amiss."""


class StoredLevel:
    """One scale of a scan or of its labels, in a store.

    Args:
        array: compressed.
    """

    def __init__(self, array: blosc2.NDArray) -> None:
        self._array = array
        self.shape: tuple[int, ...] = array.shape
        self.device = torch.device("cpu")
        self.dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype

    def __getitem__(self, box: slice | tuple[slice, ...]) -> Tensor:
        """A copy of a box.

        Args:
            box: slices of step 1 along the first axes.
        """
        given = box if isinstance(box, tuple) else (box,)
        start, stop = [], []
        for axis, edge in enumerate(self.shape):
            first, last, step = given[axis].indices(edge) if axis < len(given) else (0, edge, 1)
            if step != 1:
                msg = f"a store gives boxes of neighbouring voxels, not every {step}th; take the box first"
                raise ValueError(msg)
            start.append(first)
            stop.append(max(first, last))
        return torch.from_numpy(_box(self._array, start, stop))

    def to(self, device: torch.device) -> Tensor:
        """All of it, on a device."""
        return self[:].to(device)


class StoredCentres(Mapping[int, Integer[np.ndarray, "voxel 3"]]):
    """Voxels of every class, in a store.

    Args:
        array: voxels ``[n 3]``, one class after the other.
        classes: id and number of voxels of each class.
    """

    def __init__(self, array: blosc2.NDArray, classes: Integer[np.ndarray, "class 2"]) -> None:
        self._array = array
        ends = np.cumsum(classes[:, 1])
        self._rows = {int(bone): (int(end - count), int(end)) for (bone, count), end in zip(classes, ends, strict=True)}

    def __getitem__(self, bone: int) -> Integer[np.ndarray, "voxel 3"]:
        first, last = self._rows[bone]
        return _box(self._array, (first, 0), (last, 3))

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _box(array: blosc2.NDArray, start: Sequence[int], stop: Sequence[int]) -> np.ndarray:
    voxels = np.empty([last - first for first, last in zip(start, stop, strict=True)], array.dtype)
    # What `array[...]` comes to in the end; its own way there takes a quarter as long as decompressing a patch.
    if voxels.size:
        array.get_slice_numpy(voxels, (start, stop))
    return voxels


def write_store(case: Case, path: Path) -> None:
    """Write a case, whole or not at all.

    Args:
        case: its voxels lie in memory.
        path: ends in ``.b2z``; its folder exists.

    Raises:
        OutputError: the file cannot be written.
    """
    classes = sorted(case.centres)
    index = [(bone, len(case.centres[bone])) for bone in classes]
    none = np.zeros((0, 3), dtype=np.int16)
    centres = np.concatenate([none, *(case.centres[bone] for bone in classes)])
    frames = {
        **{f"scan/{n}": _compressed(level[:].numpy(), _SCAN_FILTER) for n, level in case.pyramid.scan.items()},
        **{f"labels/{n}": _compressed(level[:].numpy(), _LABEL_FILTER) for n, level in case.pyramid.labels.items()},
        "shape": blosc2.asarray(np.array(case.shape, dtype=np.int64)),
        "centres": _compressed(centres, _SCAN_FILTER, chunk=_CENTRES_CHUNK, block=_CENTRES_BLOCK),
        "classes": blosc2.asarray(np.array(index, dtype=np.int64).reshape(-1, 2)),
    }
    with write_whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for name, array in frames.items():
            # An entry made so bears no date: the same case gives the same bytes.
            archive.writestr(zipfile.ZipInfo(f"{name}.b2nd"), array.to_cframe())
        # Blosc2 looks here for arrays that are not worth an entry of their own.
        archive.writestr(zipfile.ZipInfo("embed.b2e"), blosc2.EmbedStore(meta={"b2dict": {"version": 1}}).to_cframe())


def _compressed(
    values: np.ndarray, how: blosc2.Filter, *, chunk: Sequence[int] = _CHUNK, block: Sequence[int] = _BLOCK
) -> blosc2.NDArray:
    chunk = [min(edges) for edges in zip(chunk, values.shape, strict=True)]
    return blosc2.asarray(
        values,
        chunks=chunk,
        blocks=[min(edges) for edges in zip(block, chunk, strict=True)],
        cparams=blosc2.CParams(
            codec=blosc2.Codec.LZ4HC,  # decompressed as fast as LZ4, and a tenth smaller
            clevel=9,
            filters=[how],
            typesize=values.itemsize,
            nthreads=torch.get_num_threads(),
        ),
    )


def verify_store(path: Path) -> None:
    """Read a store through and compare its checksums.

    Raises:
        DamagedStoreError: they do not agree, or the file is no store.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            # The length that is not looked at when an uncompressed entry is read.
            damaged = damaged or next((e.filename for e in archive.infolist() if e.file_size != e.compress_size), None)
    except Exception as error:  # of a dozen kinds, according to which byte is damaged
        raise DamagedStoreError(str(error) or type(error).__name__) from error
    if damaged is not None:
        msg = f"the checksum of {damaged} does not agree"
        raise DamagedStoreError(msg)


def open_store(name: str, path: Path, *, levels: Sequence[int]) -> Case:
    """Map a case; nothing but its index is read.

    Args:
        name: of the case.
        path: of a store that is sound.
        levels: of its pyramid.

    Raises:
        DamagedStoreError: an array is missing.
    """
    frames = _frames(path)

    def array(part: str) -> blosc2.NDArray:
        try:
            opened = blosc2.ndarray_from_cframe(frames[f"{part}.b2nd"])
        except KeyError as error:
            msg = f"it holds no {part}"
            raise DamagedStoreError(msg) from error
        # Blocks are small: handing them to threads would take longer than decompressing them.
        opened.schunk.dparams = blosc2.DParams(nthreads=1)
        return opened

    i, j, k = (int(edge) for edge in array("shape")[:])
    return Case(
        name=name,
        shape=(i, j, k),
        pyramid=Pyramid(
            scan={level: StoredLevel(array(f"scan/{level}")) for level in levels},
            labels={level: StoredLevel(array(f"labels/{level}")) for level in levels},
        ),
        centres=StoredCentres(array("centres"), array("classes")[:]),
    )


def _frames(path: Path) -> dict[str, memoryview]:
    """The entries of an archive by name, mapped.

    Blosc2 maps archives too, but opens the file anew for every array: the system allows a process few hundred.
    """
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        entries = {entry.filename: entry for entry in archive.infolist()}
    frames = {}
    for name, entry in entries.items():
        lengths = mapped[entry.header_offset + _ENTRY - 4 : entry.header_offset + _ENTRY]
        start = entry.header_offset + _ENTRY + sum(np.frombuffer(lengths, "<u2").tolist())
        frames[name] = mapped[start : start + entry.file_size]
    return frames
