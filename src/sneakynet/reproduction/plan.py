"""What a reproduction does, decided before anything is done, and written beside it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.splits import SPLITS
from sneakynet.errors import SettingError
from sneakynet.reproduction.experiment import Experiment, matched_width
from sneakynet.reproduction.fold import Fold, make_folds
from sneakynet.reproduction.scale import SCALES, Recipe, ScaleName
from sneakynet.training.presets import PAPER
from sneakynet.training.settings import TrainSettings, override
from sneakynet.volumes.atomic import write_whole

PLAN = "plan.yaml"


@dataclass(frozen=True)
class Plan:
    """Everything that decides the numbers.

    Args:
        scale: its name.
        seed: of phantoms, folds, weights and patches.
        data: ``phantoms``, or the folder that was given.
        spacing: that is trained at, mm.
        levels: of every network.
        iterations: of every network.
        recipe: of every network.
        experiments: the networks, in the order of the tables.
        folds: who is tested when.
    """

    scale: ScaleName
    seed: int
    data: str
    spacing: float
    levels: int
    iterations: int
    recipe: Recipe
    experiments: tuple[Experiment, ...]
    folds: tuple[Fold, ...]

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of all cases, sorted."""
        return tuple(sorted(name for fold in self.folds for name in fold.test))

    def settings(self, experiment: Experiment, fold: int, *, folder: Path, device: str, threads: int) -> TrainSettings:
        """The paper's recipe for one network on one fold.

        Args:
            experiment: the network.
            fold: which.
            folder: of the reproduction.
            device: that trains.
            threads: of the processor.
        """
        return override(
            PAPER,
            variant=experiment.variant,
            contexts=experiment.contexts or (1,),
            patch_size=experiment.patch_size,
            width=experiment.width,
            levels=self.levels,
            spacing=self.spacing,
            splits=(folder / SPLITS).resolve(),
            fold=fold,
            cache=folder / "prepared",
            steps=self.iterations,
            batch_size=experiment.batch_size,
            **asdict(self.recipe),
            seed=self.seed + fold,
            validate_every=self.iterations,  # the last iteration is the one that counts
            checkpoint_every=1.0,
            device=device,
            threads=threads,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for YAML."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    def differences(self, other: dict[str, Any]) -> list[str]:
        """What another plan, as plain values, has otherwise: ``name: mine, not theirs``."""
        mine, theirs = _leaves(self.to_dict()), _leaves(other)
        names = [*mine, *(name for name in theirs if name not in mine)]
        return [
            f"{name}: {mine.get(name, 'none')}, not {theirs.get(name, 'none')}"
            for name in names
            if mine.get(name) != theirs.get(name)
        ]


def make_plan(
    scale: ScaleName,
    *,
    cases: Sequence[str],
    data: str = "phantoms",
    seed: int = 0,
    iterations: int | None = None,
    spacing: float | None = None,
) -> Plan:
    """Decide everything.

    Args:
        scale: how large.
        cases: names of the cases.
        data: see `Plan`.
        seed: see `Plan`.
        iterations: instead of the scale's.
        spacing: instead of the scale's, mm.

    Raises:
        SettingError: a value outside what is allowed.
        DatasetError: too few cases for the folds.
    """
    size, n_classes = SCALES[scale], BoneTable.default().n_classes
    if iterations is not None and iterations < 1:
        msg = f"iterations must be 1 or more, got {iterations}"
        raise SettingError(msg)
    experiments = []
    for variant, edge, contexts in size.rows:
        base = size.slim_width if edge >= 128 else size.width
        width = matched_width(variant, contexts, base=base, levels=size.levels, n_classes=n_classes)
        experiments.append(Experiment(variant, edge, contexts, width, size.batch_size[edge]))
    return Plan(
        scale=scale,
        seed=seed,
        data=data,
        spacing=spacing or size.spacing,
        levels=size.levels,
        iterations=iterations or size.iterations,
        recipe=size.recipe,
        experiments=tuple(experiments),
        folds=make_folds(cases, seed=seed),
    )


def keep_plan(folder: Path, plan: Plan) -> None:
    """Write the plan, or check that it is the one that the folder holds.

    Raises:
        SettingError: the folder holds another plan, or none that can be read.
        OutputError: it cannot be written.
    """
    path = folder / PLAN
    if not path.is_file():
        with write_whole(path) as part:
            part.write_text(yaml.safe_dump(plan.to_dict(), sort_keys=False), encoding="utf-8")
        return
    try:
        there = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"cannot read the plan {path} ({error}); remove the folder, or choose another with -o"
        raise SettingError(msg) from error
    changed = plan.differences(there if isinstance(there, dict) else {})
    if changed:
        shown = "; ".join(changed[:6]) + (f" and {len(changed) - 6} more" if len(changed) > 6 else "")
        msg = f"{folder} holds another reproduction, it cannot go on with {shown}; choose another folder with -o"
        raise SettingError(msg)


def _leaves(value: Any, name: str = "") -> dict[str, Any]:
    """Every value by its dotted name; experiments go by theirs, folds by number."""
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in _leaves(inner, f"{name}.{key}".strip(".")).items()}
    if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        return {k: v for n, inner in enumerate(value) for k, v in _leaves(inner, f"{name}.{n}").items()}
    return {name: value}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
