"""One experiment on one fold: train, segment the test cases, score them. What is done is never done again."""

import json
import shutil
import statistics
import time
from collections.abc import Callable
from csv import DictReader
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.data.dataset import CaseFiles
from sneakynet.evaluation.case import Comparison, compare_files
from sneakynet.evaluation.pairing import Pair
from sneakynet.evaluation.report import FILES, Evaluation, write_files
from sneakynet.evaluation.summary import summary_of
from sneakynet.inference.device import resolve_device
from sneakynet.inference.predictor import Predictor
from sneakynet.models.builders import count_parameters
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.plan import Plan
from sneakynet.reproduction.scans import open_scans
from sneakynet.training.keeping import CHECKPOINT, WEIGHTS
from sneakynet.training.run import train
from sneakynet.volumes.atomic import make_folder, write_whole
from sneakynet.volumes.read import read_volume

TRAINED, TIMES, SCORES = "trained.json", "seconds.json", "scores"
_TRAINING, _LABELS = "training", "labels"


@dataclass(frozen=True)
class Unit:
    """One experiment on one fold.

    Args:
        plan: of all.
        experiment: which.
        fold: which.
        folder: of the reproduction.
        data: folder of the dataset.
        device: that trains and segments.
        threads: of the processor.
    """

    plan: Plan
    experiment: Experiment
    fold: int
    folder: Path
    data: Path
    device: str
    threads: int

    @property
    def name(self) -> str:
        """``D_32_64 fold 0``."""
        return f"{self.experiment.name} fold {self.fold}"

    @property
    def home(self) -> Path:
        """Where its files lie."""
        return unit_folder(self.folder, self.experiment, self.fold)

    @property
    def done(self) -> bool:
        """Whether its scores are there."""
        return (self.home / SCORES / "summary.json").is_file()


def unit_folder(folder: Path, experiment: Experiment, fold: int) -> Path:
    """Folder of one experiment on one fold."""
    return folder / "runs" / experiment.name / f"fold_{fold}"


def run_unit(unit: Unit, *, deadline: float | None, report: Callable[[str], None]) -> bool:
    """Do what is left of a unit.

    Args:
        unit: which.
        deadline: stop with everything kept when `time.time` has passed it.
        report: told what begins and what is done.

    Returns:
        Whether all is done.

    Raises:
        SneakyNetError: see `train`, `Predictor.segment`.
    """

    def late() -> bool:
        return deadline is not None and time.time() > deadline

    if unit.done:
        return True
    make_folder(unit.home)
    if not (unit.home / TRAINED).is_file() and not _train(unit, late=late, report=report):
        return False
    if not _segment(unit, late=late, report=report):
        return False
    _score(unit)
    report(f"{unit.name}: scored")
    return True


def _train(unit: Unit, *, late: Callable[[], bool], report: Callable[[str], None]) -> bool:
    run = unit.home / _TRAINING
    resume = (run / CHECKPOINT).is_file()
    if not resume:
        shutil.rmtree(run, ignore_errors=True)  # broken off before its first checkpoint
    plan, experiment = unit.plan, unit.experiment
    settings = plan.settings(experiment, unit.fold, folder=unit.folder, device=unit.device, threads=unit.threads)
    report(f"{unit.name}: training{' goes on' if resume else ''}, {counted(settings.steps, 'iteration')}")
    if not train(
        unit.data,
        run,
        settings,
        device=resolve_device(unit.device),
        resume=resume,
        quiet=True,
        stop=lambda step: late(),
    ):
        return False
    facts = {"parameters": _parameters(unit), "seconds_per_iteration": _seconds_per_iteration(run, experiment)}
    _write_json(unit.home / TRAINED, facts)
    (run / CHECKPOINT).unlink()  # twice as large as the weights, and no longer needed
    report(f"{unit.name}: trained, {facts['seconds_per_iteration']:.3g} s per iteration")
    return True


def _parameters(unit: Unit) -> int:
    n_classes = BoneTable.default().n_classes
    return count_parameters(unit.experiment.architecture(n_classes=n_classes, levels=unit.plan.levels))


def _seconds_per_iteration(run: Path, experiment: Experiment) -> float:
    """The median over the lines of the log: what else the machine did meanwhile counts little."""
    with (run / "train.csv").open(encoding="utf-8", newline="") as file:
        rates = [float(row["patches_per_s"]) for row in DictReader(file)]
    return experiment.batch_size / statistics.median(rates)


def _segment(unit: Unit, *, late: Callable[[], bool], report: Callable[[str], None]) -> bool:
    labels, times = unit.home / _LABELS, unit.home / TIMES
    make_folder(labels)
    seconds: dict[str, float] = json.loads(times.read_text(encoding="utf-8")) if times.is_file() else {}
    cases = [case for case in _test_cases(unit) if case.name not in seconds]
    if not cases:
        return True
    torch.set_num_threads(unit.threads)
    predictor = Predictor.load(unit.home / _TRAINING / WEIGHTS, device=unit.device)
    for case in cases:
        if late():
            return False
        scan = read_volume(case.scan)
        started = time.monotonic()
        segmentation = predictor.segment(scan)
        taken = time.monotonic() - started
        segmentation.save(labels / f"{case.name}.nii.gz")
        # The time last: a case with one is complete.
        seconds[case.name] = round(taken, 2)
        _write_json(times, seconds)
        report(f"{unit.name}: segmented {case.name} in {taken:.1f} s")
    return True


def _score(unit: Unit) -> None:
    how = Comparison(BoneTable.default(), surface=False)
    results = [
        compare_files(Pair(case.name, unit.home / _LABELS / f"{case.name}.nii.gz", case.labels), how)
        for case in _test_cases(unit)
    ]
    make_folder(unit.home / SCORES)
    write_files(unit.home / SCORES, Evaluation(results, summary_of(results, how.table), how.table), FILES)


def _test_cases(unit: Unit) -> list[CaseFiles]:
    test = unit.plan.folds[unit.fold].test
    return [case for case in open_scans(unit.data).cases if case.name in test]


def _write_json(path: Path, content: Any) -> None:
    with write_whole(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
