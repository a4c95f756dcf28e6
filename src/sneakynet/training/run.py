"""A training run from a dataset folder to a run folder."""

import importlib.metadata
import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.bf16 import warn_of_emulation
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.training.checkpoint import load_checkpoint
from sneakynet.training.held_out import ScanScorer
from sneakynet.training.initial_weights import start_from
from sneakynet.training.keeping import CHECKPOINT
from sneakynet.training.loop import run_loop
from sneakynet.training.material import Material, open_material
from sneakynet.training.processes import Processes
from sneakynet.training.provenance import made_by
from sneakynet.training.settings import TrainSettings, write_config
from sneakynet.training.trainer import Trainer
from sneakynet.volumes.atomic import make_folder, write_whole

CONFIG = "config.yaml"


def train(
    dataset: Path | None,
    output: Path,
    settings: TrainSettings,
    *,
    device: torch.device | Processes,
    resume: bool = False,
    quiet: bool = False,
    score_scan: ScanScorer | None = None,
    stop: Callable[[int], bool] = lambda step: False,
) -> bool:
    """Train a network on a dataset.

    Args:
        dataset: folder in nnU-Net's raw layout or of bodies; None where the settings ask for phantoms.
        output: the run's folder; made if missing. It gets ``config.yaml``, ``splits.json``, ``checkpoint.pt``,
            ``model.safetensors``, ``best.safetensors``, ``train.csv``, ``validation.csv``, ``validation_bones.csv`` and
            ``tensorboard/``. If the dataset has faults, a folder that was made for the run is taken away again.
        settings: of the run.
        device: to train on; or the processes that train together, all of which call this.
        resume: go on from the run's checkpoint.
        quiet: show nothing.
        score_scan: segments a held-out case and scores it, for validation on whole scans; None leaves that out.
        stop: asked after each step; True ends the run with a checkpoint.

    Returns:
        Whether all steps were done.

    Raises:
        SettingError: settings that cannot be, or a run folder that does not go with ``resume``.
        DatasetError: every fault of the dataset.
        OutputError: the run's folder cannot be written.
    """
    processes = device if isinstance(device, Processes) else Processes(device)
    device = processes.device
    _check_processes(settings, processes)
    if device.type == "cpu":
        keep_freed_memory()
    if settings.precision == "bf16":
        warn_of_emulation(device)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    torch.manual_seed(settings.seed)
    with processes.first_before_others():
        if processes.first:
            _check_run_folder(output, resume=resume)
        trainer = Trainer(make_network(settings, table).to(device), settings, processes)
        seconds = load_checkpoint(output / CHECKPOINT, trainer).seconds if resume else 0.0
    new = not output.exists()
    make_folder(output)
    cache = settings.cache or output / "cache"
    try:
        with ExitStack() as stack:
            with processes.first_before_others():
                material = stack.enter_context(
                    open_material(
                        dataset, settings, table, device=device, cache=cache, quiet=quiet or not processes.first
                    )
                )
                if processes.first:
                    _write_facts(output, dataset, settings, material, processes)
            return run_loop(
                trainer,
                material.data,
                output,
                provenance=_provenance(dataset, settings, material),
                score_scan=score_scan,
                seconds=seconds,
                quiet=quiet,
                stop=stop,
            )
    except SneakyNetError:
        if new and processes.first and not (output / CHECKPOINT).exists():  # nothing to go on from
            shutil.rmtree(output, ignore_errors=True)
        raise


def _write_facts(
    output: Path, dataset: Path | None, settings: TrainSettings, material: Material, processes: Processes
) -> None:
    """Only once the data are sound: a folder with settings in it is a run."""
    split = {"training": material.training, "validation": material.validation}
    with write_whole(output / "splits.json") as part:
        part.write_text(json.dumps(split, indent=1))
    made = made_by(dataset, output, settings, material.cases, processes)
    write_config(output / CONFIG, None if dataset is None else dataset.resolve(), settings, made)


def _check_processes(settings: TrainSettings, processes: Processes) -> None:
    faults = []
    together = max(1, settings.shared_context)
    if settings.batch_size % (processes.count * settings.accumulate * together):
        sharing = f", of {together} patches each that share their contexts" if together > 1 else ""
        faults.append(
            f"batch_size counts the patches of all {processes.count} processes, each in {settings.accumulate} parts"
            f"{sharing}: it must be a multiple of {processes.count * settings.accumulate * together}, "
            f"got {settings.batch_size}"
        )
    if processes.count > 1 and settings.phantoms:
        faults.append(
            "several processes cannot make phantoms as they train; make bodies with `sneakynet phantom --bodies` and "
            "train on their folder"
        )
    if faults:
        msg = "; ".join(faults)
        raise SettingError(msg)


def _check_run_folder(output: Path, *, resume: bool) -> None:
    if resume and not (output / CHECKPOINT).is_file():
        msg = f"nothing to resume: there is no checkpoint {output / CHECKPOINT}; start the run without --resume"
        raise SettingError(msg)
    if not resume and (output / CHECKPOINT).exists():
        msg = f"{output} holds a run already; go on with --resume, or choose another folder"
        raise SettingError(msg)
    if not resume and (output / CONFIG).exists():
        msg = (
            f"{output} holds a run without a checkpoint: it is still running, or was broken off before its first; "
            "remove the folder, or choose another"
        )
        raise SettingError(msg)


def make_network(settings: TrainSettings, table: BoneTable) -> SneakyNet:
    """The network that settings ask for, with fresh weights or those of ``settings.init``.

    Raises:
        SettingError: a network that cannot be, or ``init`` holds another.
        WeightsError: ``init`` cannot be read.
    """
    model = build_sneakynet(
        variant=settings.variant,
        n_classes=table.n_classes,
        patch_size=settings.patch_size,
        contexts=settings.used_contexts,
        width=settings.width,
        levels=settings.levels,
        norm=settings.norm,
        hook_source=settings.hook_source,
    )
    if settings.init is not None:
        start_from(model, settings.init, table=table)
    return model


def _provenance(dataset: Path | None, settings: TrainSettings, material: Material) -> dict[str, Any]:
    """Where the weights come from; names only, so that no path of this machine travels with them."""
    described = settings.to_dict()
    for name in ("table", "cache", "init", "splits"):
        described[name] = Path(described[name]).name if described[name] else None
    return {
        "sneakynet": importlib.metadata.version("sneakynet"),
        "torch": torch.__version__,
        "dataset": "phantoms" if dataset is None else dataset.resolve().name,
        "training_cases": len(material.training),
        "validation_cases": len(material.validation),
        "settings": described,
    }
