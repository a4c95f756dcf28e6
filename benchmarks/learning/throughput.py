"""Whole training: cutting and augmenting patches, steps, everything, ours beside nnU-Net's own trainer.

Eight scans are painted from bodies, and every method learns from them: 64^3 patches, batches of two, U-Nets of width 16
with five levels, 126 classes. On a GPU ours computes in bfloat16 (``--precision bf16``) and augments there, nnU-Net in
float16 with augmentation in twelve processes, both as they come, but that nnU-Net's ``torch.compile`` is only on where
the variable ``nnUNet_compile`` says so: compiling takes longer than this whole benchmark. It trains with deep
supervision, which is its default.

GPU utilisation is NVML's: the share of the time in which anything ran on the GPU.
"""

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from learning.contest import Row, say
from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.body_folder import BodyFolder
from sneakynet.data.case import Case
from sneakynet.data.painted import PaintedCases, Painting
from sneakynet.data.patches import PatchGeometry
from sneakynet.phantom.scan import ScanSettings
from sneakynet.training.ahead import Ahead
from sneakynet.training.loop import TrainingData
from sneakynet.training.processes import Processes
from sneakynet.training.run import make_network
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer

_EDGE, _WIDTH, _LEVELS, _BATCH, _SPACING, _CASES = 64, 16, 5, 2, 3.0, 8
_WINDOW = (-500.0, 1300.0)

NETWORKS = {
    "A 64": ("A", (), _BATCH),
    "D 64/128": ("D", (1,), _BATCH),
    "D 64/128/256": ("D", (1, 2), _BATCH),
    "D 64/128/256/512": ("D", (1, 2, 3), _BATCH),
    "D 64/128/256, batch 8": ("D", (1, 2), 8),
}


def rows(*, quick: bool, device: torch.device, folder: Path) -> list[Row]:
    """Every network of ours, then nnU-Net's trainer where it is installed.

    Args:
        quick: fewer steps.
        device: that trains.
        folder: bodies are made here if missing; nnU-Net's files go here.
    """
    table = BoneTable.default()
    bodies = BodyFolder(_bodies(folder / "bodies"), table=table)
    on_gpu = device.type == "cuda"
    steps = (100 if quick else 300) if on_gpu else (2 if quick else 10)
    found = []
    for name, (variant, contexts, batch) in NETWORKS.items():
        cases = painted(bodies, contexts=contexts, table=table, device=device)
        settings = TrainSettings(
            variant=variant,  # type: ignore[arg-type]
            contexts=contexts or (1,),
            patch_size=_EDGE,
            width=_WIDTH,
            levels=_LEVELS,
            batch_size=batch,
            precision="bf16" if on_gpu else "f32",
        )
        step = _ours(settings, cases, table, device)
        found.append(_timed(f"ours, {name}", step, batch=batch, device=device, steps=steps))
    try:
        from learning.nnunet_trainer import trainer_step
    except ImportError as error:
        say(f"without nnU-Net's trainer: {error}")
        return found
    cases = painted(bodies, contexts=(), table=table, device=device)
    step = trainer_step(
        folder / "nnunet", cases, table, device=device, edge=_EDGE, width=_WIDTH, levels=_LEVELS, batch=_BATCH
    )
    return [*found, _timed("nnU-Net's trainer", step, batch=_BATCH, device=device, steps=steps)]


def _bodies(folder: Path) -> Path:
    if not (folder / "bodies.json").is_file():
        # Only here: the skeleton's libraries are not needed for bodies that are there.
        from sneakynet.data.phantom_dataset import Recipe, write_phantoms

        say(f"making {_CASES} bodies in {folder}")
        for _ in write_phantoms(folder, Recipe(spacing=_SPACING, bodies=True), count=_CASES, seed=900):
            pass
    return folder


def painted(bodies: BodyFolder, *, contexts: tuple[int, ...], table: BoneTable, device: torch.device) -> list[Case]:
    """The same scans every time, on the device."""
    painting = Painting(
        hu_window=_WINDOW,
        contexts=contexts,
        context_labels="majority",
        n_classes=table.n_classes,
        scan=ScanSettings(),
    )
    cases = PaintedCases(bodies, range(len(bodies)), painting, key=(0, 3), device=device)
    return [cases.paint(number) for number in range(_CASES)]


def _ours(
    settings: TrainSettings, cases: Sequence[Case], table: BoneTable, device: torch.device
) -> Callable[[int], float]:
    """Step -> seconds that training waited for its patches."""
    torch.manual_seed(0)
    trainer = Trainer(make_network(settings, table).to(device), settings)
    geometry = PatchGeometry(patch_size=settings.patch_size, contexts=settings.used_contexts)
    data = TrainingData(lambda _step: cases, (), geometry, table, _SPACING)
    processes = Processes(device)
    batches = Ahead(lambda step: data.training_batch(settings, step, processes), threaded=device.type == "cuda")

    def run(step: int) -> float:
        before = batches.waited
        trainer.train_step(batches.take(step))
        return batches.waited - before

    return run


def _timed(name: str, step: Callable[[int], float], *, batch: int, device: torch.device, steps: int) -> Row:
    """The median over five stretches of steps, after as many that are not timed as one stretch has."""
    say(f"training, {name}")
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    stretch = max(1, steps // 5)
    for number in range(stretch):
        step(number)
    wait()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    taken, cpu, waited, done = [], [], 0.0, stretch
    with Utilisation(device) as busy:
        for _ in range(5):
            started, own = time.perf_counter(), time.process_time()
            for number in range(done, done + stretch):
                waited += step(number)
            wait()
            taken.append((time.perf_counter() - started) / stretch)
            cpu.append((time.process_time() - own) / stretch)
            done += stretch
    seconds = statistics.median(taken)
    return Row(
        what="training",
        method=name,
        shape=f"{batch}x1x{_EDGE}^3",
        seconds=seconds,
        cpu_seconds=statistics.median(cpu),
        peak_gib=torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None,
        more={
            "iterations_per_second": round(1 / seconds, 2),
            "patches_per_second": round(batch / seconds, 1),
            "gpu_busy": busy.share,
            "waits_for_data": round(waited / sum(taken) / stretch, 3),
        },
    )


class Utilisation:
    """Asks NVML every 50 ms; ``share`` is None where there is no NVIDIA GPU or no ``nvidia-ml-py``."""

    def __init__(self, device: torch.device) -> None:
        self.share: float | None = None
        self._device = device
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Utilisation":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        if self._device.type != "cuda":
            return
        seen = []
        while not self._over.wait(0.05):
            try:
                seen.append(torch.cuda.utilization(self._device))
            except (ModuleNotFoundError, RuntimeError):
                return
        if seen:
            self.share = round(float(np.mean(seen)) / 100, 2)
