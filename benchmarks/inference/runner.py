"""Runs trials, each repetition in a process of its own, the methods in turn: A B C A B C ...

So no method finds memory that another has warmed or fragmented, peaks are each method's own, and what else the machine
does meanwhile falls on all of them. On a GPU one process runs them all: it takes longer to start than to run, and what
torch holds on the GPU is given back before each.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from inference.child import measure
from inference.row import Row
from inference.scans import phantom_file
from inference.trial import Measured, Trial

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Workshop:
    """Where and how often to measure.

    Args:
        folder: phantoms are kept here; labels and results of runs go here.
        repeats: of every method.
        quick: whether a small scan is enough.
        chest: folder with a real chest CT, ``ct.nii.gz``.
        device: where everything runs, ``cpu`` or ``cuda``.
        contexts: run networks with so many contexts alone; all where there are none.
    """

    folder: Path
    repeats: int
    quick: bool
    chest: Path
    device: str = "cpu"
    contexts: tuple[int, ...] = ()

    def phantom(self, *, spacing: float, field: str = "whole", seed: int = 0) -> Path:
        """A phantom's file; made if missing."""
        file = phantom_file(self.folder, spacing=spacing, field=field, seed=seed)
        if not file.is_file():
            say(f"making a phantom of {spacing:g} mm")
            python("-m", "inference.make_phantom", f"{spacing:g}", field, str(seed), str(self.folder))
        return file

    def run(self, trials: Sequence[Trial]) -> list[Row]:
        """Measure trials and compare their labels with the reference's; one that fails does not stop the others."""
        trials = [trial for trial in trials if not self.contexts or trial.contexts in self.contexts]
        with tempfile.TemporaryDirectory(dir=self.folder) as labels:
            return self._run(trials, [Path(labels) / f"{number}.npy" for number in range(len(trials))])

    def _run(self, trials: Sequence[Trial], labels: Sequence[Path]) -> list[Row]:
        measured: dict[Trial, list[Measured]] = {trial: [] for trial in trials}
        failed: dict[Trial, str] = {}
        for repeat in range(self.repeats):
            for trial, file in zip(trials, labels, strict=True):
                if trial in failed:
                    continue
                say(f"{trial.part}: {trial.name}, run {repeat + 1} of {self.repeats}")
                phantom = self.phantom(spacing=trial.spacing)
                try:
                    measured[trial].append(
                        measure(trial, phantom=phantom, labels_file=file)
                        if trial.device == "cuda"
                        else _in_a_process(trial, phantom, file)
                    )
                except (subprocess.CalledProcessError, torch.OutOfMemoryError) as error:
                    failed[trial] = reason(error)
                    say(f"{trial.name} failed: {failed[trial]}")
        rows = []
        for number, trial in enumerate(trials):
            reference = _reference_of(trial, trials)
            agreement = (
                _agreement(labels[number], labels[reference])
                if reference is not None and not {trial, trials[reference]} & failed.keys()
                else (None, None)
            )
            rows.append(_row(trial, measured[trial], agreement=agreement, failed=failed.get(trial)))
        return rows


def _in_a_process(trial: Trial, phantom: Path, labels: Path) -> Measured:
    answer = python("-m", "inference.child", json.dumps(asdict(trial)), str(phantom), str(labels))
    return Measured(**json.loads(answer.splitlines()[-1]))


def python(*arguments: str) -> str:
    """Run this Python on some arguments, with the benchmarks' folder on its path.

    Returns:
        What it printed.

    Raises:
        subprocess.CalledProcessError: it failed; its ``stderr`` says why.
    """
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def reason(error: subprocess.CalledProcessError | torch.OutOfMemoryError) -> str:
    """Why a trial failed, in a line."""
    if isinstance(error, torch.OutOfMemoryError):
        return str(error).splitlines()[0]
    if error.returncode < 0:
        return f"ended by signal {-error.returncode}; out of memory?"
    return str(error.stderr).strip().splitlines()[-1] if error.stderr else f"exit status {error.returncode}"


def _reference_of(trial: Trial, trials: Sequence[Trial]) -> int | None:
    if trial.reference:
        return None
    scan = (trial.contexts, trial.shape, trial.spacing)
    return next(
        (n for n, each in enumerate(trials) if each.reference and (each.contexts, each.shape, each.spacing) == scan),
        None,
    )


def _agreement(labels: Path, reference: Path) -> tuple[float, float]:
    """Share of equal voxels, of all and of those that are bone in the reference; plane by plane to stay small."""
    equal = bone = equal_bone = 0
    mine, theirs = np.load(labels, mmap_mode="r"), np.load(reference, mmap_mode="r")
    for one, other in zip(mine, theirs, strict=True):
        same, is_bone = one == other, other > 0
        equal += int(same.sum())
        bone += int(is_bone.sum())
        equal_bone += int((same & is_bone).sum())
    return equal / mine.size, equal_bone / max(1, bone)


def _row(
    trial: Trial, runs: Sequence[Measured], *, agreement: tuple[float | None, float | None], failed: str | None
) -> Row:
    about: dict[str, Any] = {
        name: getattr(trial, name) for name in ("part", "method", "precision", "contexts", "shape")
    }
    if not runs:
        return Row(**about, skipped=failed)
    held = [run.before_gib for run in runs if run.before_gib is not None]
    return Row(
        **about,
        seconds=median(run.seconds for run in runs),
        network_seconds=median(run.network_seconds for run in runs),
        peak_gib=median(run.peak_gib for run in runs),
        agreement=agreement[0],
        bone_agreement=agreement[1],
        more={
            "network_share": median(run.network_seconds / run.seconds for run in runs),
            "cpu_seconds": median(run.cpu_seconds for run in runs),
            "network_cpu_share": median(run.network_cpu_seconds / run.cpu_seconds for run in runs),
            "resample_seconds": median(run.resample_seconds for run in runs),
            "before_gib": median(held) if held else None,
            "tiles": runs[0].tiles,
            "overlap": trial.overlap,
            "classes": runs[0].classes,
            "mixed": runs[0].mixed,
            "spacing_mm": trial.spacing,
            "gpu_gib": runs[0].gpu_gib,
            "forecast_gib": runs[0].forecast_gib,
            "all_seconds": [round(run.seconds, 3) for run in runs],
        },
    )
