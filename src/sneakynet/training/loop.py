"""The training loop: draw, step, log, validate, checkpoint, until the steps are done or someone says stop."""

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from jaxtyping import Int64

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.case import Case
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.sampling import (
    NO_AUGMENTATION,
    Augmentation,
    Patches,
    draw_batch,
    make_batch,
)
from sneakynet.data.shared_patches import Sharing, draw_shared_batch, make_shared_batch
from sneakynet.data.views import Looks
from sneakynet.models.weights import WeightsHeader, save_weights
from sneakynet.training.checkpoint import save_checkpoint
from sneakynet.training.log import RunLog
from sneakynet.training.progress import Reporter
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import StepReport, Trainer
from sneakynet.training.validation import Score, validate

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "model.safetensors"

# On a GPU the running means take every n-th step in.
_LOOK_EVERY = 10

# Second entry of the random key, so that training, validation and the split never share a stream.
_TRAINING, _VALIDATION = 1, 2


@dataclass(frozen=True)
class TrainingData:
    """What the loop learns from.

    Args:
        training: step -> cases to learn from at that step.
        validation: cases held out.
        geometry: of the patches.
        table: the classes.
        spacing: of the cases, mm.
    """

    training: Callable[[int], Sequence[Case]]
    validation: Sequence[Case]
    geometry: PatchGeometry
    table: BoneTable
    spacing: float

    def training_batch(self, settings: TrainSettings, step: int) -> Patches:
        """The patches of one step; seed and step decide them completely."""
        cases = self.training(step)
        lut: Int64[np.ndarray, " class"] = self.table.mirror_lut()
        key = (settings.seed, _TRAINING, step)
        augmentation = Augmentation() if settings.augment else NO_AUGMENTATION
        if settings.shared_context:
            sharing = Sharing(settings.shared_context, settings.shared_region, settings.levels)
            blocks = draw_shared_batch(
                cases,
                self.geometry,
                sharing,
                key=key,
                blocks=settings.batch_size // settings.shared_context,
                balanced=settings.balanced,
                augmentation=augmentation,
            )
            looks = Looks(settings.patch_size, settings.hu_window, lut, settings.ignore_padding)
            return make_shared_batch(cases, blocks, self.geometry, sharing, looks)
        draws = draw_batch(
            cases,
            self.geometry,
            key=key,
            batch_size=settings.batch_size,
            balanced=settings.balanced,
            augmentation=augmentation,
        )
        return make_batch(
            cases,
            draws,
            self.geometry,
            hu_window=settings.hu_window,
            mirror_lut=lut,
            ignore_padding=settings.ignore_padding,
        )

    def validation_batches(self, settings: TrainSettings) -> list[Patches]:
        """The same patches at every validation, half of them centred on bones."""
        draws = draw_batch(
            self.validation,
            self.geometry,
            key=(settings.seed, _VALIDATION),
            batch_size=settings.validation_patches,
            balanced=0.5,
            augmentation=NO_AUGMENTATION,
        )
        return [
            make_batch(self.validation, [d], self.geometry, hu_window=settings.hu_window, ignore_padding=True)
            for d in draws
        ]


def run_loop(
    trainer: Trainer,
    data: TrainingData,
    folder: Path,
    *,
    provenance: dict[str, Any],
    seconds: float = 0.0,
    quiet: bool = False,
    stop: Callable[[int], bool] = lambda step: False,
) -> bool:
    """Train until the settings' steps are done.

    Args:
        trainer: fresh, or restored from a checkpoint.
        data: to learn from.
        folder: of the run; checkpoint, weights file and logs go there.
        provenance: where the weights come from, for the weights file.
        seconds: spent on the steps already done.
        quiet: show nothing.
        stop: asked after each step; True ends the loop with a checkpoint.

    Returns:
        Whether all steps were done (False: stopped before).
    """
    settings = trainer.settings
    held_out = data.validation_batches(settings)
    clock = _Clock(seconds)
    window = _Window(trainer)

    def save() -> None:
        save_checkpoint(folder / CHECKPOINT, trainer, seconds=clock.seconds())
        _save_weights(folder / WEIGHTS, trainer, data, provenance, seconds=clock.seconds())
        clock.saved = time.monotonic()

    with (
        RunLog(folder, step=trainer.step) as log,
        _interruptible() as interrupted,
        Reporter("training", total=settings.steps, done=trainer.step, quiet=quiet) as reporter,
        _Ahead(data, settings, threaded=trainer.device.type == "cuda") as batches,
    ):
        stopped = False
        while trainer.step < settings.steps and not stopped:
            window.add(trainer.train_step(batches.take(trainer.step)))
            reporter.update(trainer.step, window.facts)
            if trainer.step % settings.log_every == 0 or trainer.step == settings.steps:
                log.write("train", trainer.step, {**window.means(), "minutes": clock.seconds() / 60})
                window = _Window(trainer, facts=window.facts)
            if trainer.step % settings.validate_every == 0 or trainer.step == settings.steps:
                scores = validate(trainer.exported, held_out, precision=settings.precision)
                log.write("validation", trainer.step, _columns(scores))
                reporter.say(f"step {trainer.step}: validation " + _sentence(scores))
            out_of_time = settings.time_limit is not None and clock.this_run() > 60 * settings.time_limit
            stopped = bool(interrupted) or out_of_time or stop(trainer.step)
            if time.monotonic() - clock.saved > 60 * settings.checkpoint_every:
                save()
        save()
        if trainer.step < settings.steps:
            reporter.say(f"stopped at step {trainer.step} of {settings.steps}; --resume goes on from here")
        if interrupted:
            raise KeyboardInterrupt
    return trainer.step >= settings.steps


class _Ahead:
    """The batch of each step; beside a GPU the next one is made while the last is learnt from."""

    def __init__(self, data: TrainingData, settings: TrainSettings, *, threaded: bool) -> None:
        self._data, self._settings = data, settings
        self._thread = ThreadPoolExecutor(1) if threaded else None
        self._coming: dict[int, Future[Patches]] = {}

    def take(self, step: int) -> Patches:
        if self._thread is None:
            return self._data.training_batch(self._settings, step)
        now = self._coming.pop(step, None) or self._submit(step)
        self._coming[step + 1] = self._submit(step + 1)
        return now.result()

    def _submit(self, step: int) -> Future[Patches]:
        assert self._thread is not None
        return self._thread.submit(self._data.training_batch, self._settings, step)

    def __enter__(self) -> "_Ahead":
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)


class _Clock:
    """Seconds spent on the run, over all its parts."""

    def __init__(self, before: float) -> None:
        self._before = before
        self._started = self.saved = time.monotonic()

    def this_run(self) -> float:
        return time.monotonic() - self._started

    def seconds(self) -> float:
        return self._before + self.this_run()


class _Window:
    """Means over the steps since the last line of the log."""

    def __init__(self, trainer: Trainer, *, facts: dict[str, float | str] | None = None) -> None:
        self._names = ["target", *(f"context_{2**n}x" for n in trainer.model.architecture.contexts)]
        self._batch = trainer.settings.batch_size
        self._reports: list[StepReport] = []
        self._started = time.monotonic()
        # Reading a loss waits for the GPU.
        self._waits = trainer.device.type == "cuda"
        self.facts: dict[str, float | str] = facts or {}

    def add(self, report: StepReport) -> None:
        self._reports.append(report)
        if self._waits and len(self._reports) % _LOOK_EVERY:
            return
        # A running mean: single steps jump too much to be read.
        for name, loss in report.losses.items():
            value = float(loss.total)
            old = self.facts.get(name, value)
            self.facts[name] = 0.95 * (old if isinstance(old, float) else value) + 0.05 * value
        self.facts["patches/s"] = f"{self._rate():.2f}"

    def means(self) -> dict[str, float]:
        """A column for every network, also while it is not trained yet: the columns of a file never change."""
        row = {"learning_rate": self._reports[-1].learning_rate, "patches_per_s": self._rate()}
        for name in self._names:
            losses = [report.losses[name] for report in self._reports if name in report.losses]
            row[f"{name}_loss"] = _mean([loss.total for loss in losses])
            row[f"{name}_cross_entropy"] = _mean([loss.cross_entropy for loss in losses])
            row[f"{name}_dice"] = _mean([loss.dice for loss in losses])
        return row

    def _rate(self) -> float:
        return len(self._reports) * self._batch / max(1e-6, time.monotonic() - self._started)


def _mean(values: Sequence[Any]) -> float:
    return sum(map(float, values)) / len(values) if values else math.nan


def _columns(scores: dict[str, Score]) -> dict[str, float]:
    return {f"{name}_{key}": value for name, score in scores.items() for key, value in asdict(score).items()}


def _sentence(scores: dict[str, Score]) -> str:
    parts = [f"{n}: DSC {s.dice:.3f}, classes found {s.found:.0%}, bone named {s.named:.0%}" for n, s in scores.items()]
    return "; ".join(parts)


def _save_weights(
    path: Path, trainer: Trainer, data: TrainingData, provenance: dict[str, Any], *, seconds: float
) -> None:
    header = WeightsHeader(
        architecture=trainer.model.architecture.to_dict(),
        spacing=(data.spacing,) * 3,
        hu_window=trainer.settings.hu_window,
        table=data.table,
        provenance={**provenance, "steps": trainer.step, "minutes": round(seconds / 60, 1)},
    )
    save_weights(path, trainer.exported, header)


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Collect Ctrl-C and termination instead of breaking off within an update; a second Ctrl-C breaks off."""
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever owns it decides
        yield seen
        return
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
