"""How large a prepared case is in different stores, and how long a patch with three contexts takes from each.

    python benchmarks/store.py [--case SCAN LABELS] [--spacing MM] [--rounds N] [--json]

The case is a phantom unless one is given. Every store cuts the same random patches of 64 voxels with contexts at 2x,
4x and 8x, in turn, with one thread, and the files lie in the system's memory: HU and labels as they are stored,
without normalisation and padding. The last rows are whole patches of ours, as training gets them. zarr is of the
benchmarks' environment (``make .venv-bench/.installed``); without it its rows are left out.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import blosc2
import numpy as np
import torch
from learning.contest import contest
from rich.console import Console
from rich.table import Table

from sneakynet.data.case import Case, class_centres
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import NO_AUGMENTATION, draw_batch, make_batch
from sneakynet.data.store import open_store, write_store
from sneakynet.models.allocator import keep_freed_memory

GEOMETRY, WINDOW = PatchGeometry(64, (1, 2, 3)), (-500.0, 1300.0)
Arrays = Mapping[str, np.ndarray]
"""By name: scan/0, labels/0, scan/1, ..."""
Box = tuple[slice, ...]


@dataclass(frozen=True)
class Measured:
    store: str
    mb: float
    write_s: float
    ms: float
    cpu_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs=2, type=Path, metavar=("SCAN", "LABELS"), help="in place of a phantom")
    parser.add_argument("--spacing", type=float, default=2.0, help="mm")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    blosc2.set_nthreads(1)
    keep_freed_memory()
    case = a_case(options.case, options.spacing)
    arrays = {
        f"{kind}/{level}": voxels.numpy()
        for kind, part in (("scan", case.pyramid.scan), ("labels", case.pyramid.labels))
        for level, voxels in part.items()
    }
    boxes = [boxes_of(draw.origin, case) for draw in draws_of(case, options.rounds + 1)]
    with tempfile.TemporaryDirectory() as folder:
        opened, facts = {}, {}
        for name, write in stores().items():
            started = time.perf_counter()
            opened[name] = write(arrays, Path(folder) / name.replace("/", "_"))
            facts[name] = (time.perf_counter() - started, size(Path(folder) / name.replace("/", "_")))
        methods = {name: taking(boxes, store) for name, store in opened.items()}
        write_store(case, path := Path(folder) / "case.b2z")
        stored = open_store("stored", path, levels=sorted(case.pyramid.scan))
        methods |= {"whole patch, in memory": patches(case), "whole patch, from our store": patches(stored)}
        facts["whole patch, from our store"] = (0.0, path.stat().st_size)
        rows = contest("patch with three contexts", "64^3", methods, rounds=options.rounds)
        found = [
            Measured(
                row.method,
                mb=facts.get(row.method, (0.0, 0))[1] / 1e6,
                write_s=facts.get(row.method, (0.0, 0))[0],
                ms=1000 * row.seconds,
                cpu_ms=1000 * row.cpu_seconds,
            )
            for row in rows
        ]
    if options.json:
        print(json.dumps({"voxels": case.shape, "rows": [asdict(one) for one in found]}))
    else:
        show(case, found)


def a_case(files: tuple[Path, Path] | None, spacing: float) -> Case:
    """Prepared as for training."""
    from sneakynet.data.network_grid import on_network_grid
    from sneakynet.geometry.resample import resample
    from sneakynet.volumes.canonical import canonical
    from sneakynet.volumes.read import read_labels, read_volume

    if files is None:
        from sneakynet.phantom.phantom import make_phantom

        phantom = make_phantom(1, spacing=spacing)
        scan, labels = phantom.scan, phantom.labels.voxels
    else:
        scan, raw = on_network_grid(read_volume(files[0]), spacing=(spacing,) * 3), canonical(read_labels(files[1]))
        labels = resample(raw.voxels, raw.affine, to_shape=scan.shape, to_affine=scan.affine, order=0)
    labels = np.ascontiguousarray(labels, dtype=np.uint8)
    pyramid = build_pyramid(
        torch.from_numpy(np.clip(scan.voxels, *WINDOW)), torch.from_numpy(labels), levels=(1, 2, 3), n_classes=255
    )
    return Case("case", scan.shape, pyramid, class_centres(labels, per_class=2048, rng=np.random.default_rng(0)))


def draws_of(case: Case, count: int) -> list:
    return list(draw_batch([case], GEOMETRY, key=(0,), batch_size=count, balanced=0.5, augmentation=NO_AUGMENTATION))


def boxes_of(origin: tuple[int, int, int], case: Case) -> dict[str, Box]:
    """What a patch needs of every array."""
    boxes = {}
    for kappa in (0, *GEOMETRY.contexts):
        box = []
        for first, edge in zip(GEOMETRY.context_origin(origin, kappa), case.pyramid.scan[kappa].shape, strict=True):
            start = min(max(first, 0), edge - 1)
            box.append(slice(start, max(start + 1, min(first + GEOMETRY.patch_size, edge))))
        boxes[f"scan/{kappa}"] = boxes[f"labels/{kappa}"] = tuple(box)
    return boxes


def taking(boxes: list[dict[str, Box]], store: Mapping[str, Callable[[Box], np.ndarray]]) -> Callable[[], None]:
    turn = iter(boxes * 2)

    def run() -> None:
        for name, box in next(turn).items():
            store[name](box)

    return run


def patches(case: Case) -> Callable[[], None]:
    steps = iter(range(10**9))

    def run() -> None:
        drawn = draw_batch(
            [case], GEOMETRY, key=(next(steps),), batch_size=1, balanced=0.5, augmentation=NO_AUGMENTATION
        )
        make_batch([case], drawn, GEOMETRY, hu_window=WINDOW)

    return run


def stores() -> dict[str, Callable[[Arrays, Path], Mapping[str, Callable[[Box], np.ndarray]]]]:
    """By name, a function that writes arrays to a folder and gives readers of boxes."""
    found = {"npy, mapped": npy}
    shuffle, nothing = blosc2.Filter.SHUFFLE, blosc2.Filter.NOFILTER
    for codec, level, scan, labels in (
        ("LZ4", 5, shuffle, shuffle),
        ("LZ4HC", 9, shuffle, nothing),
        ("ZSTD", 5, shuffle, shuffle),
    ):
        for chunk, block in ((64, 16), (64, 32), (128, 16), (32, 32)):
            settings = {"codec": blosc2.Codec[codec], "clevel": level}
            found[f"blosc2 {codec} {level}, chunks {chunk}, blocks {block}"] = in_blosc2(
                settings, {"scan": scan, "labels": labels}, chunk, block
            )
    found["blosc2 uncompressed, chunks 64, blocks 32"] = in_blosc2(
        {"codec": blosc2.Codec.LZ4, "clevel": 0}, {"scan": nothing, "labels": nothing}, 64, 32
    )
    try:
        import zarr
    except ModuleNotFoundError:
        return found
    zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})
    lz4, zstd = zarr.codecs.BloscCodec(cname="lz4", shuffle="shuffle"), zarr.codecs.ZstdCodec(level=1)
    for name, codec in (("uncompressed", None), ("blosc LZ4", lz4), ("ZSTD 1", zstd)):
        for chunk in (32, 64, 128):
            found[f"zarr {name}, chunks {chunk}"] = in_zarr(codec, chunk)
    return found


def npy(arrays: Arrays, folder: Path) -> Mapping[str, Callable[[Box], np.ndarray]]:
    folder.mkdir()
    opened = {}
    for name, array in arrays.items():
        path = folder / f"{name.replace('/', '')}.npy"
        np.save(path, array)
        opened[name] = np.load(path, mmap_mode="r")
    return {name: lambda box, array=array: np.array(array[box]) for name, array in opened.items()}


def in_blosc2(settings: dict, filters: dict, chunk: int, block: int) -> Callable:
    def write(arrays: Arrays, folder: Path) -> Mapping[str, Callable[[Box], np.ndarray]]:
        folder.mkdir()
        opened = {}
        for name, array in arrays.items():
            kind, level = name.split("/")
            chunks = [min(chunk, edge) for edge in array.shape]
            blosc2.asarray(
                array,
                urlpath=str(folder / f"{kind}{level}.b2nd"),
                chunks=chunks,
                blocks=[min(block, edge) for edge in chunks],
                cparams=blosc2.CParams(filters=[filters[kind]], typesize=array.itemsize, nthreads=1, **settings),
            )
            opened[name] = blosc2.open(str(folder / f"{kind}{level}.b2nd"), mode="r", mmap_mode="r")
        return {name: array.__getitem__ for name, array in opened.items()}

    return write


def in_zarr(codec: object, chunk: int) -> Callable:
    def write(arrays: Arrays, folder: Path) -> Mapping[str, Callable[[Box], np.ndarray]]:
        import zarr

        opened = {}
        for name, array in arrays.items():
            path = folder / name.replace("/", "")
            chunks = tuple(min(chunk, edge) for edge in array.shape)
            made = zarr.create_array(
                path, shape=array.shape, dtype=array.dtype, chunks=chunks, compressors=codec, zarr_format=3
            )
            made[:] = array
            opened[name] = zarr.open_array(path, mode="r")
        return {name: array.__getitem__ for name, array in opened.items()}

    return write


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def show(case: Case, found: list[Measured]) -> None:
    table = Table("store", "MB", "written in s", "ms", "CPU ms", title=f"{' x '.join(map(str, case.shape))} voxels")
    for one in found:
        mb, seconds = (f"{value:.1f}" if value else "" for value in (one.mb, one.write_s))
        table.add_row(one.store, mb, seconds, f"{one.ms:.2f}", f"{one.cpu_ms:.2f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())
