"""The settings of a training run: the command line is made from them and ``config.yaml`` is written from them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from sneakynet.data.pyramid import ContextLabels
from sneakynet.errors import SettingError
from sneakynet.models.blocks import Norm
from sneakynet.models.crop_skip import HookSource, Variant
from sneakynet.training.loss import DiceClasses
from sneakynet.training.schedule import Schedule
from sneakynet.training.tracker import TrackerName
from sneakynet.volumes.atomic import write_whole

# These may differ between the parts of a resumed run: they decide how long and where it runs, not what it computes.
FREE_ON_RESUME = frozenset(
    {
        "steps",
        "time_limit",
        "validate_every",
        "checkpoint_every",
        "log_every",
        "device",
        "threads",
        "cache",
        "workers",
        "cache_gb",
        "tracker",
        "splits",  # where the file lies; which of its folds is fixed
    }
)


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides a training run, beside the dataset.

    The paper's recipe is `presets.PAPER`.
    """

    variant: Variant = "D"
    """A 3D U-Net, B HookNet, C MRN, D SneakyNet, E SneakyNet whose target adds the contexts' own answers."""
    contexts: tuple[int, ...] = (1,)
    """Exponents n of the contexts: each sees 2^n times the target's field of view at 1/2^n of its resolution."""
    patch_size: int = 64
    """Edge of every network's input, in voxels."""
    width: int = 16
    """Channels at the first level; they double at each further level."""
    levels: int = 5
    """Levels of each U-Net."""
    norm: Norm = "instance"
    """Normalisation after each convolution."""
    hook_source: HookSource = "encoder"
    """Which side of a context network the crop-skips leave from: encoder (the paper), decoder (HookNet) or both."""

    table: Path | None = None
    """Bone table (CSV) whose names the dataset uses; by default the package's own."""
    spacing: float | None = None
    """Isotropic spacing to train at, mm; by default the dataset's own."""
    hu_window: tuple[float, float] = (-500.0, 1300.0)
    """Hounsfield units that are scaled to -1 and 1; what lies outside is clipped."""
    context_labels: ContextLabels = "majority"
    """Label of a context's voxel: the majority's, or the commonest bone wherever a quarter is bone."""
    validation_cases: int | None = None
    """How many cases are held out; by default a tenth, at least one."""
    splits: Path | None = None
    """File that says which cases are learnt from and which are held out: nnU-Net's splits_final.json."""
    fold: int = 0
    """Which of its splits, from 0."""
    cache: Path | None = None
    """Folder for prepared cases, reused by later runs; by default RUN/cache."""

    phantoms: int = 0
    """Train on this many phantoms, made by worker processes while training goes on, in place of a dataset."""
    phantom_seed: int = 1000
    """Seed of the first of them; the others follow one by one."""
    workers: int = 1
    """Processes that make phantoms."""
    cache_gb: float = 4.0
    """How much of them the cache may hold, GB."""
    pool: int = 16
    """Bodies (of phantoms and label maps) are painted anew again and again: this many scans lie ready at a time."""
    repaint_every: int = 2
    """Steps after which the oldest of those scans gives way to a new one."""

    steps: int = 20_000
    """Optimiser steps in all (resumed ones included)."""
    time_limit: float | None = None
    """Stop with a checkpoint after this many minutes; --resume goes on."""
    batch_size: int = 2
    """Patches (each a target with its contexts) per step."""
    accumulate: int = 1
    """Compute a step's patches in so many parts, in as much less memory; each part has a Dice of its own."""
    clip_norm: float = 0.0
    """Shorten a gradient that is longer than this to it; 0 takes every gradient as it is."""
    shared_context: int = 0
    """Let so many targets of one case share a pass of the contexts, over one block around them all: batch_size counts
    targets, and a step learns from batch_size / shared_context cases. 0 gives each its own contexts, as the paper does.
    """
    shared_region: int = 3
    """Edge of the cube that these targets lie in, in patch sizes."""
    context_steps: int = 0
    """Train the contexts alone for this many steps first, and everything after."""
    learning_rate: float = 1e-3
    """Of Adam."""
    schedule: Schedule = "cosine"
    """Keep the learning rate, or let it fall to 1 % along a cosine over all steps."""
    warmup_steps: int = 100
    """Let the learning rate rise over this many steps."""
    context_weight: float = 1.0
    """Weight of each context's loss beside the target's; the paper's is 1."""
    dice: DiceClasses = "present"
    """Average Dice over the classes present in the batch, or over all (the paper)."""
    background_weight: float = 1.0
    """Weight of background in the cross-entropy; below 1 the bones start to be learnt earlier."""
    balanced: float = 0.5
    """Share of patches centred on a voxel of a bone drawn uniformly; the others lie anywhere."""
    ignore_padding: bool = True
    """Voxels beyond the scan count in no loss; --no-ignore-padding counts the repeated edge, as the paper does."""
    augment: bool = True
    """Patches vary in place, side (labels too), extent, shape, brightness, contrast, gamma, sharpness and noise;
    --no-augment leaves them alone."""
    ema: float = 0.0
    """Export a moving average of the weights with this decay per step (such as 0.999); 0 exports the weights."""
    precision: Literal["f32", "bf16"] = "f32"
    """bf16 computes the convolutions in bfloat16."""
    init: Path | None = None
    """Weights file to start from instead of fresh weights; it must hold the same network, but for patch size, bones and
    wider contexts: classes with the same name start from what it knows of them, contexts it lacks from its widest."""
    first_step: int = 0
    """Step to begin at: what another machine began and left as weights (--init) goes on where it stopped, in patches
    and rate, after a warm-up for the optimiser, whose memory starts afresh."""
    seed: int = 0
    """Decides the split, the first weights and every patch."""

    validate_every: int = 500
    """Steps between validations on held-out patches."""
    validation_patches: int = 16
    """How many held-out patches, always the same ones."""
    validation_scans: int = 2
    """How many held-out cases are also segmented whole; their mean DSC says which weights are best. 0: none."""
    checkpoint_every: float = 5.0
    """Minutes between checkpoints."""
    log_every: int = 20
    """Steps that a line of train.csv averages over."""
    tracker: TrackerName = "none"
    """Log to MLflow or Weights & Biases too; train.csv, validation.csv and TensorBoard are always written."""
    device: str = "auto"
    """auto, cpu or cuda."""
    threads: int | None = None
    """CPU threads; by default all cores."""

    def __post_init__(self) -> None:
        faults = [
            f"{name} must be {rule}, got {getattr(self, name)}"
            for name, rule, good in (
                ("steps", "1 or more", self.steps >= 1),
                ("batch_size", "1 or more", self.batch_size >= 1),
                (
                    "accumulate",
                    "a divisor of batch_size",
                    self.accumulate >= 1 and self.batch_size % self.accumulate == 0,
                ),
                ("clip_norm", "0 or more", self.clip_norm >= 0),
                ("shared_context", "0 or more", self.shared_context >= 0),
                ("shared_region", "1 or more", self.shared_region >= 1),
                ("context_steps", "0 or more", self.context_steps >= 0),
                ("first_step", "from 0 to below steps", 0 <= self.first_step < max(1, self.steps)),
                ("learning_rate", "above 0", self.learning_rate > 0),
                ("warmup_steps", "0 or more", self.warmup_steps >= 0),
                ("context_weight", "0 or more", self.context_weight >= 0),
                ("background_weight", "above 0", self.background_weight > 0),
                ("balanced", "between 0 and 1", 0 <= self.balanced <= 1),
                ("ema", "from 0 to below 1", 0 <= self.ema < 1),
                ("spacing", "above 0 mm", self.spacing is None or self.spacing > 0),
                ("hu_window", "two numbers, the lower first", self.hu_window[0] < self.hu_window[1]),
                ("time_limit", "above 0 minutes", self.time_limit is None or self.time_limit > 0),
                ("validate_every", "1 or more", self.validate_every >= 1),
                ("validation_patches", "1 or more", self.validation_patches >= 1),
                ("validation_scans", "0 or more", self.validation_scans >= 0),
                ("checkpoint_every", "above 0 minutes", self.checkpoint_every > 0),
                ("log_every", "1 or more", self.log_every >= 1),
                ("threads", "1 or more", self.threads is None or self.threads >= 1),
                ("fold", "0 or more", self.fold >= 0),
                ("phantoms", "0 or more", self.phantoms >= 0),
                ("phantom_seed", "0 or more", self.phantom_seed >= 0),
                ("workers", "1 or more", self.workers >= 1),
                ("cache_gb", "above 0", self.cache_gb > 0),
                ("pool", "1 or more", self.pool >= 1),
                ("repaint_every", "1 or more", self.repaint_every >= 1),
            )
            if not good
        ]
        if self.context_steps and (not self.contexts or self.variant in {"A", "C"}):
            faults.append(f"context_steps needs contexts with a loss of their own, variant {self.variant} has none")
        faults += self._sharing_faults() if self.shared_context > 0 else []
        if self.first_step > 0 and self.init is None:
            faults.append("first_step needs the weights that were reached by then, as init")
        if self.splits is not None and self.validation_cases is not None:
            faults.append("splits says which cases are held out; leave out validation_cases")
        if faults:
            msg = "; ".join(faults)
            raise SettingError(msg)

    def _sharing_faults(self) -> list[str]:
        faults = []
        if not self.used_contexts:
            faults.append("shared_context needs contexts, this network has none")
        if self.norm not in {"batch", "none"}:
            faults.append(
                f"shared_context needs norm batch or none: {self.norm} would take the statistics of a block of many "
                "targets, which no patch at inference has"
            )
        if self.accumulate >= 1 and self.batch_size % (self.shared_context * self.accumulate):
            faults.append(
                f"batch_size must be a multiple of shared_context * accumulate = "
                f"{self.shared_context * self.accumulate}, got {self.batch_size}"
            )
        return faults

    @property
    def used_contexts(self) -> tuple[int, ...]:
        """Contexts of the network: a plain U-Net has none."""
        return () if self.variant == "A" else self.contexts

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for YAML and JSON."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in plain.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainSettings":
        """Rebuild settings; fields that are missing take their defaults.

        Raises:
            SettingError: an unknown name, or a value of the wrong type or range.
        """
        known = {field.name: field for field in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            msg = f"unknown settings: {', '.join(unknown)}; known are: {', '.join(known)}"
            raise SettingError(msg)
        typed: dict[str, Any] = dict(values)
        try:
            for name in ("contexts", "hu_window"):
                if name in typed:
                    typed[name] = tuple(typed[name])
            for name in ("table", "cache", "init", "splits"):
                if typed.get(name) is not None:
                    typed[name] = Path(typed[name])
            return cls(**typed)
        except (TypeError, IndexError) as error:
            msg = f"a setting has a value of the wrong type: {error}"
            raise SettingError(msg) from error

    def differences(self, other: "TrainSettings") -> list[str]:
        """Settings that must not change within a run but do, as ``name: mine, not theirs``."""
        mine, theirs = self.to_dict(), other.to_dict()
        return [
            f"{name}: {mine[name]}, not {theirs[name]}"
            for name in mine
            if mine[name] != theirs[name] and name not in FREE_ON_RESUME
        ]


def write_config(
    path: Path, dataset: Path | None, settings: TrainSettings, made_by: Mapping[str, Any] | None = None
) -> None:
    """Write the file that ``sneakynet train --config`` repeats the run from.

    Args:
        path: of the file.
        dataset: its folder.
        settings: of the run.
        made_by: more to know about the run, which repeating it does not read.
    """
    content = {"dataset": _plain(dataset), **settings.to_dict()}
    if made_by is not None:
        content["made_by"] = dict(made_by)
    with write_whole(path) as part:
        part.write_text(yaml.safe_dump(content, sort_keys=False, width=1000))


def read_config(path: Path) -> tuple[Path | None, TrainSettings]:
    """Read what ``write_config`` wrote.

    Raises:
        SettingError: the file cannot be read, or holds settings that do not exist.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        msg = f"cannot read the settings {path}: {reason}; give the config.yaml of a run"
        raise SettingError(msg) from error
    if not isinstance(values, dict):
        msg = f"{path} holds no settings; give the config.yaml of a run"
        raise SettingError(msg)
    values.pop("made_by", None)
    dataset = values.pop("dataset", None)
    return None if dataset is None else Path(dataset), TrainSettings.from_dict(values)


def override(settings: TrainSettings, **changes: Any) -> TrainSettings:
    """The same settings with some replaced."""
    return dataclasses.replace(settings, **changes)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
