"""Means over the last steps: what a line of the log holds, and what is shown meanwhile."""

import math
import time
from collections.abc import Sequence
from typing import Any

import psutil
import torch

from sneakynet.training.ahead import Ahead
from sneakynet.training.trainer import DivergedError, StepReport, Trainer

# On a GPU the running means take every n-th step in: reading a loss waits for the GPU.
_LOOK_EVERY = 10

# A loss this many times that of a network that has learnt nothing is no loss that comes down again.
_EXPLODED = 4.0


class Window:
    """Steps since the last line of the log.

    Args:
        trainer: whose steps.
        batches: that it takes.
        facts: of the window before, which go on.
    """

    def __init__(self, trainer: Trainer, batches: Ahead, *, facts: dict[str, float | str] | None = None) -> None:
        self._trainer, self._batches = trainer, batches
        self._names = ["target", *(f"context_{2**n}x" for n in trainer.model.architecture.contexts)]
        self._reports: list[StepReport] = []
        self._started, self._waited = time.monotonic(), batches.waited
        self.facts: dict[str, float | str] = facts or {}

    def add(self, report: StepReport) -> None:
        """Take a step in."""
        self._reports.append(report)
        if self._trainer.device.type == "cuda" and len(self._reports) % _LOOK_EVERY:
            return
        # A running mean: single steps jump too much to be read.
        for name, loss in report.losses.items():
            value = float(loss.total)
            old = self.facts.get(name, value)
            self.facts[name] = 0.95 * (old if isinstance(old, float) else value) + 0.05 * value
        self.facts |= {
            "steps/s": f"{self._rate():.2f}",
            "data wait": f"{self._data_wait():.0%}",
            "GiB": f"{memory_gib(self._trainer.device):.1f}",
        }

    def means(self) -> dict[str, float]:
        """A column for every network, also while it is not trained yet: the columns of a file never change.

        Raises:
            DivergedError: the loss has exploded.
        """
        row = {
            "learning_rate": self._reports[-1].learning_rate,
            "patches_per_s": self._rate() * self._trainer.settings.batch_size,
            "data_wait": self._data_wait(),
            "memory_gib": memory_gib(self._trainer.device),
        }
        for name in self._names:
            losses = [report.losses[name] for report in self._reports if name in report.losses]
            row[f"{name}_loss"] = _mean([loss.total for loss in losses])
            row[f"{name}_cross_entropy"] = _mean([loss.cross_entropy for loss in losses])
            row[f"{name}_dice"] = _mean([loss.dice for loss in losses])
        self._refuse_explosion(row)
        return row

    def leave_out(self, seconds: float) -> None:
        """Count time that was not spent on steps in no rate."""
        self._started += seconds

    def sound(self) -> bool:
        """Whether the last step's losses are such that its weights are worth a checkpoint."""
        losses = self._reports[-1].losses.values() if self._reports else ()
        return all(float(loss.total) <= self._limit() for loss in losses)

    def _limit(self) -> float:
        return _EXPLODED * (1 + math.log(self._trainer.model.architecture.n_classes))

    def _refuse_explosion(self, row: dict[str, float]) -> None:
        for name in self._names:
            if row[f"{name}_loss"] > self._limit():
                raise DivergedError.at(self._trainer.step, f"{name} loss is {row[f'{name}_loss']:.3g}")

    def _rate(self) -> float:
        return len(self._reports) / max(1e-6, time.monotonic() - self._started)

    def _data_wait(self) -> float:
        """Share of the time that was spent waiting for patches."""
        return (self._batches.waited - self._waited) / max(1e-6, time.monotonic() - self._started)


def memory_gib(device: torch.device) -> float:
    """The most that torch has held on a GPU, or what the process holds now, GiB."""
    held = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else psutil.Process().memory_info().rss
    return float(held) / 2**30


def _mean(values: Sequence[Any]) -> float:
    return sum(map(float, values)) / len(values) if values else math.nan
