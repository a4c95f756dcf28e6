"""What a run leaves behind as it goes: the checkpoint, the last weights and the best."""

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path

from sneakynet.models.weights import WeightsHeader, save_weights
from sneakynet.training.checkpoint import before, save_checkpoint
from sneakynet.training.held_out import Measured
from sneakynet.training.trainer import Trainer
from sneakynet.volumes.atomic import sweep_parts

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "model.safetensors"
BEST = "best.safetensors"


class Keeper:
    """Writes a run's files; each whole or not at all. Only the first process of a run has something to write.

    Args:
        folder: of the run. What a killed run left half-written there goes.
        trainer: whose state it is.
        header: of the weights, as they stand.
        seconds: spent on the run.
    """

    def __init__(
        self, folder: Path, trainer: Trainer, header: Callable[[], WeightsHeader], seconds: Callable[[], float]
    ) -> None:
        self._folder, self._trainer, self._header, self._seconds = folder, trainer, header, seconds
        self._saved = time.monotonic()
        self._best = _best_so_far(folder / "validation.csv", step=trainer.step)
        if trainer.processes.first:
            checkpoint = folder / CHECKPOINT
            sweep_parts([checkpoint, before(checkpoint), folder / WEIGHTS, folder / BEST])
            if not checkpoint.exists():
                self.save()  # from now on a run that is killed can be resumed

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self._saved > 60 * self._trainer.settings.checkpoint_every

    def save(self) -> None:
        """Write the checkpoint, and the weights of the same step.

        Raises:
            OutputError: they cannot be written; what was there stays.
        """
        if self._trainer.processes.first:
            save_checkpoint(self._folder / CHECKPOINT, self._trainer, seconds=self._seconds())
            save_weights(self._folder / WEIGHTS, self._trainer.exported, self._header())
        self._saved = time.monotonic()

    def save_if_best(self, measured: Measured) -> bool:
        """Write the weights if no earlier validation of this run scored as high.

        Raises:
            OutputError: they cannot be written; what was there stays.
        """
        if measured.score <= self._best:
            return False
        self._best = measured.score
        if self._trainer.processes.first:
            save_weights(self._folder / BEST, self._trainer.exported, self._header())
        return True


def _best_so_far(path: Path, *, step: int) -> float:
    """From the log, whose lines beyond the step will be written again."""
    if not path.is_file():
        return -math.inf
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row.get("step") or "").isdigit() and int(row["step"]) <= step]
    scores = [float(row.get("scans_dsc") or row["target_dice"]) for row in rows]
    scores = [
        float(row["target_dice"]) if math.isnan(score) else score for row, score in zip(rows, scores, strict=True)
    ]
    return max(scores, default=-math.inf)
