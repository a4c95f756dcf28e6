"""The checkpoint: a run as it stood after a step, written whole or not at all. The one before it is kept too."""

import logging
import pickle
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sneakynet.errors import OutputError, SettingError, WeightsError
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer
from sneakynet.volumes.atomic import write_whole

_LOG = logging.getLogger(__name__)

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
    """Write the trainer's state, the settings and torch's random state.

    What stood at ``path`` is kept beside it (`before`): a disk can spoil what was written whole.

    Raises:
        OutputError: it cannot be written; what was there stays.
    """
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
        if path.exists():
            with write_whole(before(path)) as copied:
                shutil.copyfile(path, copied)


def before(path: Path) -> Path:
    """Where the checkpoint before the one at ``path`` is kept."""
    return path.with_name(f"{path.stem}.before{path.suffix}")


def load_checkpoint(path: Path, trainer: Trainer) -> Progressed:
    """Take up the run where the checkpoint left it. Nothing in the file is executed.

    A damaged checkpoint is named in a warning, and the one before it taken.

    Raises:
        SettingError: there is no checkpoint, or the settings are not those it was made with.
        WeightsError: the file is damaged and there is none before it, or it is of another kind or version.
    """
    try:
        content = _read(path)
    except WeightsError as error:
        if not before(path).is_file():
            raise
        content = _read(before(path))
        _LOG.warning("%s; going on from the one before it, %s", error, before(path))
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
        _verify(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, OSError, zipfile.BadZipFile) as error:
        msg = f"cannot read the checkpoint {path}: it is damaged or no checkpoint ({type(error).__name__})"
        raise WeightsError(msg) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        msg = f"{path} is no checkpoint of this version of sneakynet (format {FORMAT} {VERSION}); start a new run"
        raise WeightsError(msg)
    return content


def _verify(path: Path) -> None:
    """Compare the file with its checksums, which torch writes but does not read."""
    with zipfile.ZipFile(path) as archive:
        spoilt = archive.testzip()
    if spoilt is not None:
        msg = f"{spoilt} does not have its checksum"
        raise zipfile.BadZipFile(msg)
