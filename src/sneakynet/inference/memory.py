"""How much memory segmenting a scan will take, told before any work, and how to make it take less.

Everything that grows with the scan or the network is counted from shapes. How many maps of a convolution's size live
at once was measured, see ``benchmarks/memory.py``. The largest part beside the scan itself is the layer of tiles in
flight: its rows can be blended strip by strip, at the price of running the tiles at the seams twice.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from sneakynet.errors import SettingError
from sneakynet.inference.contexts import BLOCK_VOXELS, block_length, level_shape
from sneakynet.inference.in_slabs import SLAB_VOXELS
from sneakynet.models.architecture import Architecture

LABEL_BYTES = {"cpu": 96 * 2**20, "cuda": 256 * 2**20}
"""Features that are made and labelled together."""


@dataclass(frozen=True, kw_only=True)
class _Habits:
    """What a kind of device was measured to hold, see ``benchmarks/memory.py``.

    Args:
        maps_of_a_unet: full-resolution maps of a whole network at its widest: skip, joined input, both convolutions'
            results and what the convolution library lays out anew.
        maps_of_slabs: whole ones of them where the finest level is computed in slabs (`in_slabs`).
        maps_of_a_slab: those of the slab in hand.
        maps_of_an_encoder: of one without decoder.
        maps_of_a_tile: of the target network.
        resampling: bytes of the slabs in flight while a scan is brought to the network's grid.
        labelling: bytes held at its widest per byte of :data:`LABEL_BYTES`.
        overhead: bytes that libraries take when they are first used, and that lie free between blocks of different
            sizes.
    """

    maps_of_a_unet: float
    maps_of_slabs: float
    maps_of_a_slab: float
    maps_of_an_encoder: float
    maps_of_a_tile: float
    resampling: int
    labelling: float
    overhead: int


_HABITS = {
    "cpu": _Habits(
        maps_of_a_unet=7.2,
        maps_of_slabs=2.95,
        maps_of_a_slab=5.8,
        maps_of_an_encoder=3.5,
        maps_of_a_tile=5.8,
        resampling=64 * 2**20,
        labelling=1.5,
        overhead=144 * 2**20,
    ),
    "cuda": _Habits(
        maps_of_a_unet=7.2,
        maps_of_slabs=2.95,
        maps_of_a_slab=5.8,
        maps_of_an_encoder=3.5,
        maps_of_a_tile=5.8,
        resampling=768 * 2**20,
        labelling=3.0,
        overhead=112 * 2**20,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What the memory of a scan depends on.

    Args:
        scan: voxels of the scan along i, j, k.
        grid: voxels on the network's grid.
        resampled: whether the two grids differ.
        architecture: of the network.
        shared: which contexts run once per scan.
        activation_bytes: of one value of a feature map.
        batch_size: tiles per pass of the network.
        passes: 2 where the scan is run mirrored too, else 1.
        output_bytes: of one voxel of what is kept in memory: labels, confidence.
        device: kind of the device whose memory it is, ``cpu`` or ``cuda``.
    """

    scan: tuple[int, int, int]
    grid: tuple[int, int, int]
    resampled: bool
    architecture: Architecture
    shared: tuple[bool, ...]
    activation_bytes: int
    batch_size: int = 1
    passes: int = 1
    output_bytes: int = 0
    device: str = "cpu"

    @property
    def habits(self) -> _Habits:
        """What was measured on such a device."""
        return _HABITS[self.device]


@dataclass(frozen=True)
class Forecast:
    """Bytes that a scan will take.

    Args:
        base: what the process holds already, the scan included.
        stages: name -> what is held beside that while the stage runs.
        rows: rows of the network's grid along j that are blended at a time.
        strips: how many times.
        block_voxels: that a context is run over in one pass, see `block_length`.
        overhead: bytes that are held in every stage beside the base.
        limit: bytes that may be held.
    """

    base: int
    stages: Mapping[str, int]
    rows: int
    strips: int
    block_voxels: int
    overhead: int
    limit: int = 0

    def __str__(self) -> str:
        strips = f", in {self.strips} strips" if self.strips > 1 else ""
        return f"{_gib(self.peak)} of memory ({_gib(self.limit)} may be used){strips}"

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "peak_bytes": self.peak,
            "limit_bytes": self.limit,
            "base_bytes": self.base,
            "stages_bytes": dict(self.stages),
            "strips": self.strips,
        }

    @property
    def peak(self) -> int:
        """The most that is held at any time."""
        return self.base + self.overhead + max(self.stages.values())


def forecast(work: Workload, *, base: int, rows: int | None = None, block_voxels: int = BLOCK_VOXELS) -> Forecast:
    """Predict the memory of a scan.

    Args:
        work: what is to be done.
        base: bytes that the process holds already.
        rows: rows along j that are blended at a time; all by default.
        block_voxels: that a context is run over in one pass, see `block_length`.
    """
    architecture = work.architecture
    rows = work.grid[1] if rows is None else min(rows, work.grid[1])
    grid = _product(work.grid) * 4
    pyramid = int(grid * (1 + sum(8.0**-kappa for kappa in architecture.contexts))) * work.passes
    maps, running = _contexts(work, block_voxels)
    kept = pyramid + maps * work.passes + _product(work.scan) * work.output_bytes
    habits = work.habits
    labelling = int(habits.labelling * LABEL_BYTES[work.device])
    stages = {
        "resampling": grid + habits.resampling if work.resampled else 0,
        "pyramid": pyramid + (grid if work.resampled else 0),
        "contexts": pyramid + maps * (work.passes - 1) + running,
        "tiles": kept + _ring(work, rows) * work.passes + max(_tile(work), labelling),
    }
    return Forecast(
        base=base,
        stages=stages,
        rows=rows,
        strips=-(-work.grid[1] // rows),
        block_voxels=block_voxels,
        overhead=habits.overhead,
    )


def fit(work: Workload, *, base: int, limit: int, step: int) -> Forecast:
    """Choose as many rows at a time as a limit allows, and run contexts in blocks where that is not enough.

    Args:
        work: what is to be done.
        base: bytes that the process holds already.
        limit: bytes that the process may hold.
        step: rows from one tile to the next; strips are multiples of it.

    Returns:
        The forecast with the largest blocks and then the widest strips that stay under the limit.

    Raises:
        SettingError: not even the narrowest strips do; the message has the figures.
    """
    ways = itertools.product((BLOCK_VOXELS, 0), _widths(work.grid[1], step))
    for block_voxels, rows in ways:
        found = forecast(work, base=base, rows=rows, block_voxels=block_voxels)
        if found.peak <= limit:
            return replace(found, limit=limit)
    stage = max(found.stages, key=lambda name: found.stages[name])
    msg = (
        f"this scan ({'x'.join(map(str, work.scan))} voxels, {'x'.join(map(str, work.grid))} on the network's grid) "
        f"needs at least {_gib(found.peak)}: {_gib(base)} that this program and the scan hold already, and "
        f"{_gib(found.peak - base)} for its {stage}; the limit is {_gib(limit)}. Raise --memory-limit, close other "
        "programs, crop the scan, or take a model with wider voxels"
    )
    raise SettingError(msg)


def parse_size(text: str) -> int:
    """Bytes that a text such as ``4G``, ``1.5 GiB`` or ``1500M`` stands for; units of 1024.

    Raises:
        SettingError: it is no such text.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B)?\s*", text, flags=re.IGNORECASE)
    if found is None or float(found[1]) <= 0:
        msg = f"a size of memory is a number and a unit, such as 4G or 1500M, got {text!r}"
        raise SettingError(msg)
    return int(float(found[1]) * 1024 ** (1 + "KMGT".index(found[2].upper())))


def memory_in_use() -> int:
    """Bytes that this process holds in memory."""
    return int(psutil.Process().memory_info().rss)


def memory_at_hand() -> int:
    """Bytes that this process may hold: what it holds already and what the machine, or its container, has left."""
    left = int(psutil.virtual_memory().available)
    limit, used = (_cgroup_figure(name) for name in ("memory.max", "memory.current"))
    if limit is not None and used is not None:
        left = min(left, max(0, limit - used))
    return memory_in_use() + left


def _cgroup_figure(name: str) -> int | None:
    """A figure of this process's control group; None where there is none, or no limit."""
    try:
        return int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _contexts(work: Workload, block_voxels: int) -> tuple[int, int]:
    """Bytes that the shared contexts' maps keep, and the most that is held while they are made."""
    architecture = work.architecture
    value = architecture.width * work.activation_bytes
    kept, peak = 0, 0
    for n, (kappa, shared) in enumerate(zip(architecture.contexts, work.shared, strict=True)):
        if not shared:
            continue
        shape = level_shape(work.grid, architecture, kappa)
        block, halo = block_length(shape, architecture, kappa, voxels=block_voxels)
        at_once = shape[0] * shape[1] * min(shape[2], block + 2 * halo)
        # A level has twice the channels of the one before and an eighth of its voxels.
        maps = {(link.source, link.source_level) for link in architecture.crop_skips if link.context == n} | (
            {("decoder", 0)} if architecture.variant == "E" else set()
        )
        of_this = int(_product(shape) * value * sum(4.0**-level for _, level in maps))
        peak = max(peak, kept + (of_this if halo else 0) + int(_widest(work, at_once) * value))
        kept += of_this
    return kept, max(peak, kept)


def _widest(work: Workload, voxels: int) -> float:
    """Voxels of full-resolution maps that a context holds at its widest while it runs over that many."""
    habits = work.habits
    if not work.architecture.needs_context_decoders:
        return habits.maps_of_an_encoder * voxels
    return min(habits.maps_of_a_unet * voxels, habits.maps_of_slabs * voxels + habits.maps_of_a_slab * SLAB_VOXELS)


def _ring(work: Workload, rows: int) -> int:
    """The tiles' features in flight, float32, and how much of them was run."""
    architecture = work.architecture
    networks = 1
    if architecture.variant == "E":
        networks += sum(not shared for shared in work.shared)
    planes = 1 + min(architecture.patch_size, work.grid[2])
    return planes * rows * work.grid[0] * 4 * (architecture.width * networks + 1)


def _tile(work: Workload) -> int:
    """One pass of the target network, and of the contexts that run with it."""
    architecture = work.architecture
    voxels = work.batch_size * architecture.patch_size**3
    return int(work.habits.maps_of_a_tile * voxels * architecture.width * work.activation_bytes)


def _widths(rows: int, step: int) -> Iterator[int]:
    """Strips from all rows down to one step, even ones first."""
    yield rows
    for parts in range(2, -(-rows // step) + 1):
        yield -(-rows // parts // step) * step


def _product(shape: tuple[int, int, int]) -> int:
    return shape[0] * shape[1] * shape[2]


def _gib(size: int) -> str:
    # A limit that was meant to have another unit should be seen as what it is, and not as 0.00 GiB.
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 / 100 else f"{size / 2**20:.2f} MiB"
