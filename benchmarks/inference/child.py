"""One process, one measurement.

    python -m inference.child '{"method": ..., ...}' PHANTOM LABELS

reads a :class:`Trial` as JSON, runs it on the phantom, writes the labels (.npy) and prints a :class:`Measured` as JSON.
"""

import json
import os
import sys
import time
from contextlib import redirect_stdout
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference.clock import Clock, held_gib, peak_gib
from inference.methods.method import NETWORK, Method
from inference.networks import network_with
from inference.scans import phantom_voxels
from inference.trial import Measured, Trial

_METHODS = {
    "sneakynet": ("ours", "Ours"),
    "plain": ("plain", "Plain"),
    "plain_patches": ("plain", "Plain"),
    "monai": ("monai", "Monai"),
    "nnunet": ("nnunet", "NnUNet"),
    "nnunet_torch": ("nnunet", "NnUNet"),
}
"""File and class; imported when asked for, so that no method pays with memory for another's libraries."""


def measure(trial: Trial, *, phantom: Path, labels_file: Path) -> Measured:
    """Run a trial in this process."""
    torch.set_num_threads(cores())
    file, name = _METHODS[trial.method]
    network, header = network_with(trial.contexts, spacing=trial.spacing)
    clock = Clock(trial.device)
    method: Method = getattr(import_module(f"inference.methods.{file}"), name)(trial, network, header, clock)
    scan = method.read(phantom_voxels(phantom, trial.shape))
    method.warm_up()
    # A process takes longer to start than a GPU to run: there it repeats within one. nnU-Net exports for a minute.
    repeats = 3 if trial.device == "cuda" and not trial.method.startswith("nnunet") else 1
    with redirect_stdout(sys.stderr):  # peers print
        runs = [_once(method, scan, clock, labels_file) for _ in range(repeats)]
    return sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]


def _once(method: Method, scan: Any, clock: Clock, labels_file: Path) -> Measured:
    on_gpu = method.trial.device == "cuda"
    clock.reset()
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    before = held_gib()
    started, cpu = time.perf_counter(), time.process_time()
    labels = method.labels(scan)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    peak = peak_gib()
    clock.settle()
    np.save(labels_file, labels)
    return Measured(
        seconds=seconds - clock.seconds["resample"],
        network_seconds=sum(clock.seconds[name] for name in NETWORK),
        cpu_seconds=cpu_seconds - clock.cpu_seconds["resample"],
        network_cpu_seconds=sum(clock.cpu_seconds[name] for name in NETWORK),
        resample_seconds=clock.seconds["resample"],
        tiles=method.tiles,
        before_gib=before,
        peak_gib=peak,
        classes=int((np.bincount(labels.ravel()) > 0).sum()),
        mixed=mixed(labels),
        gpu_gib=torch.cuda.max_memory_reserved() / 2**30 if on_gpu else None,
        forecast_gib=method.forecast_gib,
    )


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def mixed(labels: np.ndarray) -> float:
    """Share of 2x2x2 neighbourhoods with more than one label."""
    low = high = labels
    for axis in range(3):
        before, after = (np.s_[(slice(None),) * axis + (part,)] for part in (slice(None, -1), slice(1, None)))
        low, high = np.minimum(low[before], low[after]), np.maximum(high[before], high[after])
    return float((low != high).mean())


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    result = measure(
        Trial(**{**asked, "shape": tuple(asked["shape"])}), phantom=Path(sys.argv[2]), labels_file=Path(sys.argv[3])
    )
    print(json.dumps(asdict(result)))
