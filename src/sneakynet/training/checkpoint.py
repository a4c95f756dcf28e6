"""The checkpoint: a run as it stood after a step, written whole or not at all."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sneakynet.errors import OutputError, SettingError, WeightsError
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer
from sneakynet.volumes.atomic import write_whole

FORMAT = "sneakynet-checkpoint"
VERSION = 1


@dataclass(frozen=True)
class Progressed:
    """How far a run had come.

    Args:
        step: steps done.
        seconds: spent on them.
    """

    step: int
    seconds: float


def save_checkpoint(path: Path, trainer: Trainer, *, seconds: float) -> None:
    """Write the trainer's state, the settings and torch's random state."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "settings": trainer.settings.to_dict(),
        "seconds": seconds,
        "random": torch.get_rng_state(),
        "trainer": trainer.state(),
    }
    with write_whole(path) as part:
        try:
            torch.save(content, part)
        except RuntimeError as error:  # what torch makes of a disk that is full
            msg = f"cannot write the checkpoint {path} ({error}); make room on the disk and go on with --resume"
            raise OutputError(msg) from error


def load_checkpoint(path: Path, trainer: Trainer) -> Progressed:
    """Take up the run where the checkpoint left it. Nothing in the file is executed.

    Raises:
        SettingError: there is no checkpoint, or the settings are not those it was made with.
        WeightsError: the file is damaged or of another kind or version.
    """
    content = _read(path)
    changed = trainer.settings.differences(TrainSettings.from_dict(content["settings"]))
    if changed:
        msg = f"the run in {path.parent} was started with other settings, it cannot go on with {'; '.join(changed)}"
        raise SettingError(msg)
    try:
        trainer.restore(content["trainer"])
        torch.set_rng_state(content["random"])
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        msg = f"the checkpoint {path} does not fit this network: {error}"
        raise WeightsError(msg) from error
    return Progressed(step=trainer.step, seconds=float(content["seconds"]))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        msg = f"nothing to resume: there is no checkpoint {path}; start the run without --resume"
        raise SettingError(msg)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, OSError) as error:
        msg = f"cannot read the checkpoint {path}: it is damaged or no checkpoint ({type(error).__name__})"
        raise WeightsError(msg) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        msg = f"{path} is no checkpoint of this version of sneakynet (format {FORMAT} {VERSION}); start a new run"
        raise WeightsError(msg)
    return content
