"""The training loop: draw, step, log, validate, checkpoint, until the steps are done or someone says stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
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
from sneakynet.models.weights import WeightsHeader
from sneakynet.training.ahead import Ahead
from sneakynet.training.curves import draw_curves
from sneakynet.training.held_out import BONES, HeldOut, ScanScorer
from sneakynet.training.interruption import interruptible
from sneakynet.training.keeping import Keeper
from sneakynet.training.live_table import LiveTable
from sneakynet.training.log import RunLog
from sneakynet.training.processes import Processes
from sneakynet.training.settings import TrainSettings
from sneakynet.training.tracker import Tracker, open_tracker
from sneakynet.training.trainer import Trainer
from sneakynet.training.window import Window

# On GPUs several processes agree on whether to stop at every n-th step: agreeing waits for the GPU.
_AGREE_EVERY = 10

# Second entry of the random key, so that training, validation and the split never share a stream.
_TRAINING, _VALIDATION = 1, 2

T = TypeVar("T")


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

    def training_batch(self, settings: TrainSettings, step: int, processes: Processes) -> Patches:
        """This process's share of the patches of one step.

        Seed and step decide the patches of all processes together completely, but for the noise of `Augmentation`,
        which depends on the share too.
        """
        cases = self.training(step)
        lut: Int64[np.ndarray, " class"] = self.table.mirror_lut()
        key = (settings.seed, _TRAINING, step)
        augmentation = Augmentation() if settings.augment else NO_AUGMENTATION
        if self.table.without_partner:
            augmentation = replace(augmentation, mirror=0.0)
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
            return make_shared_batch(cases, _share(blocks, processes), self.geometry, sharing, looks)
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
            _share(draws, processes),
            self.geometry,
            hu_window=settings.hu_window,
            mirror_lut=lut,
            ignore_padding=settings.ignore_padding,
        )

    def validation_batches(self, settings: TrainSettings, processes: Processes) -> list[Patches]:
        """This process's share of the same patches at every validation, half of them centred on bones."""
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
            for d in draws[processes.rank :: processes.count]
        ]


def run_loop(
    trainer: Trainer,
    data: TrainingData,
    folder: Path,
    *,
    provenance: dict[str, Any],
    score_scan: ScanScorer | None = None,
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
        score_scan: segments and scores a held-out scan; None validates on patches alone.
        seconds: spent on the steps already done.
        quiet: show nothing.
        stop: asked after each step; True ends the loop with a checkpoint.

    Returns:
        Whether all steps were done (False: stopped before).

    Raises:
        DivergedError: the loss is no number any more, or has exploded.
        OutputError: a file of the run cannot be written; the last checkpoint stays.
        ProcessesError: another process of the run is gone.
    """
    settings, processes = trainer.settings, trainer.processes
    clock = _Clock(seconds)

    def header() -> WeightsHeader:
        return _header(trainer, data, {**provenance, "minutes": round(clock.seconds() / 60, 1)})

    held_out = HeldOut(
        data.validation_batches(settings, processes), data.validation[: settings.validation_scans], score_scan
    )
    keeper = Keeper(folder, trainer, header, clock.seconds)
    with (
        RunLog(folder, step=trainer.step, writes=processes.first, tracker=_tracker(folder, trainer)) as log,
        interruptible() as interrupted,
        LiveTable(total=settings.steps, done=trainer.step, quiet=quiet or not processes.first) as table,
        Ahead(
            lambda step: data.training_batch(settings, step, processes), threaded=trainer.device.type == "cuda"
        ) as batches,
    ):
        window = Window(trainer, batches)
        stopped = False
        while trainer.step < settings.steps and not stopped:
            window.add(trainer.train_step(batches.take(trainer.step)))
            table.update(trainer.step, window.facts)
            if trainer.step % settings.log_every == 0 or trainer.step == settings.steps:
                log.write("train", trainer.step, {**window.means(), "minutes": clock.seconds() / 60})
                window = Window(trainer, batches, facts=window.facts)
            if trainer.step % settings.validate_every == 0 or trainer.step == settings.steps:
                began = time.monotonic()
                measured = held_out.measure(trainer, header())
                window.leave_out(time.monotonic() - began)
                log.write("validation", trainer.step, measured.columns())
                best = keeper.save_if_best(measured)
                if processes.first:
                    measured.write_bones(folder / BONES, data.table)
                    draw_curves(folder)
                window.facts["DSC"] = measured.score
                table.say(f"step {trainer.step}: validation {measured.sentence()}{' (best so far)' if best else ''}")
            out_of_time = settings.time_limit is not None and clock.this_run() > 60 * settings.time_limit
            stopped = _agreed(bool(interrupted) or out_of_time or stop(trainer.step), trainer)
            if keeper.due() and window.sound():
                keeper.save()
        keeper.save()
        if trainer.step < settings.steps:
            table.say(f"stopped at step {trainer.step} of {settings.steps}; --resume goes on from here")
        if interrupted:
            raise KeyboardInterrupt
    return trainer.step >= settings.steps


def _tracker(folder: Path, trainer: Trainer) -> Tracker | None:
    if not trainer.processes.first:
        return None
    settings = trainer.settings
    return open_tracker(settings.tracker, name=folder.resolve().name, settings=settings.to_dict())


def _agreed(mine: bool, trainer: Trainer) -> bool:  # noqa: FBT001 - the only thing asked
    """Whether a process wants to stop; all then stop after the same step."""
    processes = trainer.processes
    if processes.count == 1:
        return mine
    if processes.device.type == "cuda" and trainer.step % _AGREE_EVERY:
        return False
    return bool(processes.add_up(torch.tensor(float(mine), device=processes.device)) > 0)


def _share(drawn: Sequence[T], processes: Processes) -> Sequence[T]:
    """A process's part of what was drawn for all of them."""
    size = len(drawn) // processes.count
    return drawn[processes.rank * size : (processes.rank + 1) * size]


class _Clock:
    """Seconds spent on the run, over all its parts."""

    def __init__(self, before: float) -> None:
        self._before = before
        self._started = time.monotonic()

    def this_run(self) -> float:
        return time.monotonic() - self._started

    def seconds(self) -> float:
        return self._before + self.this_run()


def _header(trainer: Trainer, data: TrainingData, provenance: dict[str, Any]) -> WeightsHeader:
    return WeightsHeader(
        architecture=trainer.model.architecture.to_dict(),
        spacing=(data.spacing,) * 3,
        hu_window=trainer.settings.hu_window,
        table=data.table,
        provenance={**provenance, "steps": trainer.step},
    )
