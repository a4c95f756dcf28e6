"""Where bones lose their names: networks and recipes that differ in one thing, trained equally long, by turns.

    python benchmarks/equal_time.py --bodies DIR --held-out NAME=DIR ... -o OUT [--json] [--arms "NAME;NAME"] [--list]
        [--minutes 6] [--slice 1] [--contexts-first 0.33] [--threads 1] [--scan ../shared/data/ct_abdomen_pelvis_3mm]

Every arm is ``base`` (``sneakynet train``'s default, with patches of 16, a constant rate, a tenth of background's
weight and contexts alone for a third of the time) with one thing changed; ``--list`` shows them. ``base, seed 1`` tells
how much chance alone moves a figure. Arms take turns of ``--slice`` minutes until each has had ``--minutes`` of
processor time (drawing patches included), which other work on the machine changes little. Bodies (``sneakynet phantom
--bodies``, ``sneakynet paint --bodies``) are painted once each, the same scans for every arm.

Judged on the whole of every held-out scan, in tiles side by side (contexts once per scan where they can be):

- named: share of the true bone voxels whose likeliest bone is the right one, whatever background scores;
- sides, neighbours: share of them that go to the mirror partner, to the one before or after in the series;
- dice: mean DSC over the classes, voxels of all scans pooled;
- bone: DSC of all bones as one;
- context_named: named, by the contexts alone on their own cells.

``--scan`` adds a real one, of a bone table's own labels or TotalSegmentator's.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from default_model import LABELLED, SHARED, reference_of
from torch import Tensor, nn
from torch.nn.functional import conv3d

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.body_folder import BodyFolder
from sneakynet.data.case import Case
from sneakynet.data.draw import Draw
from sneakynet.data.network_grid import on_network_grid
from sneakynet.data.painted import PaintedCases, Painting
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import Patches, make_batch
from sneakynet.data.shared_patches import SharedDraw, Sharing, make_shared_batch
from sneakynet.data.views import Looks
from sneakynet.geometry.resample import resample
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.bf16 import has_bf16
from sneakynet.models.sneakynet import FeatureMaps, SneakyNet, apply_head
from sneakynet.phantom.scan import ScanSettings
from sneakynet.training.loop import TrainingData
from sneakynet.training.loss import Loss, head_loss
from sneakynet.training.presets import DEFAULT
from sneakynet.training.processes import Processes
from sneakynet.training.run import make_network
from sneakynet.training.settings import TrainSettings, override
from sneakynet.training.trainer import Trainer
from sneakynet.volumes.read import read_volume

WINDOW = (-500.0, 1300.0)
CONTEXTS = (1, 2, 3)
TILES_AT_ONCE = 16
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Arm:
    """What an arm does otherwise than ``base``.

    Args:
        settings: that differ.
        together: everything is trained from the first step on.
        mirror: left and right are swapped in half of the patches.
        bone_head: a head of its own decides bone or background, the classes decide which bone.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    together: bool = False
    mirror: bool = True
    bone_head: bool = False


ARMS = {
    "base": Arm(),
    "base, seed 1": Arm({"seed": 1}),
    "contexts and target together": Arm(together=True),
    "variant D": Arm({"variant": "D"}),
    "variant D, hooks from encoders": Arm({"variant": "D", "hook_source": "encoder"}),
    "hooks from encoders": Arm({"hook_source": "encoder"}),
    "hooks from both": Arm({"hook_source": "both"}),
    "no context": Arm({"variant": "A", "hook_source": "encoder"}, together=True),
    "one context, 2x": Arm({"contexts": (1,)}),
    "one context, 4x": Arm({"contexts": (2,)}),
    "three contexts": Arm({"contexts": (1, 2, 3)}),
    "shared contexts": Arm({"shared_context": 8, "shared_region": 2}),
    "instance norm": Arm({"norm": "instance"}),
    "three levels": Arm({"levels": 3}),
    "patches of 32, batches of 2": Arm({"patch_size": 32, "batch_size": 2}),
    "five levels, patches of 32, batches of 2": Arm({"levels": 5, "patch_size": 32, "batch_size": 2}),
    "centres anywhere": Arm({"balanced": 0.0}),
    "background counts as a bone": Arm({"background_weight": 1.0}),
    "no mirror": Arm(mirror=False),
    "bone head": Arm(bone_head=True),
}


def settings_of(arm: Arm, options: argparse.Namespace) -> TrainSettings:
    base = override(
        DEFAULT,
        patch_size=16,
        schedule="constant",
        background_weight=0.1,
        ema=0.99,
        precision="bf16" if has_bf16(CPU) else "f32",
    )
    return override(base, **{"seed": options.seed, **arm.settings})


class BoneHeadTrainer(Trainer):
    """Trains a second head of the target too, background or bone; its loss is added to the target's."""

    def __init__(self, model: SneakyNet, settings: TrainSettings) -> None:
        channels = model.target_head()[0].shape[1]
        model.target.bone = nn.Conv3d(channels, 2, 1)
        super().__init__(model, settings)
        self._maps: FeatureMaps | None = None
        features = self.model.features

        def remembered(*inputs: Any) -> FeatureMaps:
            self._maps = features(*inputs)
            return self._maps

        self.model.features = remembered  # type: ignore[method-assign]

    def losses(self, patches: Patches, *, contexts_only: bool = False) -> dict[str, Loss]:
        found = super().losses(patches, contexts_only=contexts_only)
        if contexts_only:
            return found
        assert self._maps is not None
        labels = patches.labels[0]
        ignore = torch.iinfo(labels.dtype).max
        bone = torch.where(labels == ignore, ignore, (labels > 0).to(labels.dtype))
        extra = head_loss(self._maps.target, *bone_head(self.model), bone, dice="present", ignore=ignore)
        return found | {"target": replace(found["target"], total=found["target"].total + extra.total)}


def bone_head(network: SneakyNet) -> tuple[Tensor, Tensor]:
    head = network.target.bone
    assert isinstance(head, nn.Conv3d)
    assert head.bias is not None
    return head.weight.flatten(1), head.bias


@dataclass
class Run:
    """An arm under way."""

    name: str
    arm: Arm
    trainer: Trainer
    data: TrainingData
    seconds: float = 0.0

    def work(self, *, until: float, contexts_until: float) -> None:
        """Train until so many seconds are spent in all."""
        trainer, alone_allowed = self.trainer, not self.arm.together
        while self.seconds < until:
            alone = alone_allowed and self.seconds < contexts_until
            trainer.settings = override(trainer.settings, context_steps=trainer.step + 1 if alone else 0)
            began = time.process_time()
            trainer.train_step(self.data.training_batch(trainer.settings, trainer.step, Processes(CPU)))
            self.seconds += time.process_time() - began


def started(name: str, options: argparse.Namespace, cases: Sequence[Case], table: BoneTable, spacing: float) -> Run:
    arm = ARMS[name]
    settings = settings_of(arm, options)
    torch.manual_seed(settings.seed)
    trainer = (BoneHeadTrainer if arm.bone_head else Trainer)(make_network(settings, table), settings)
    geometry = PatchGeometry(settings.patch_size, settings.used_contexts)
    learnt = table if arm.mirror else _WithoutMirror(table.bones)
    data = TrainingData(lambda _step: cases, [], geometry, learnt, spacing)
    return Run(name, arm, trainer, data)


class _WithoutMirror(BoneTable):
    """The same classes, but training is told that some have no partner, and leaves left and right alone."""

    @property
    def without_partner(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("all",)


def batches(case: Case, geometry: PatchGeometry, looks: Looks, *, levels: int, once: bool) -> Iterator[Patches]:
    """All of a case in tiles side by side, with contexts once or for each."""
    i, j, k = case.pyramid.shape
    origins = product(*(range(0, edge, geometry.patch_size) for edge in case.pyramid.shape))
    draws = [Draw(0, origin, ((0, i), (0, j), (0, k))) for origin in origins]
    if once:
        sharing = Sharing(targets=len(draws), region=1, levels=levels)
        whole = SharedDraw(draws[0], tuple(draw.origin for draw in draws))
        yield make_shared_batch([case], [whole], geometry, sharing, looks)
        return
    for first in range(0, len(draws), TILES_AT_ONCE):
        yield make_batch([case], draws[first : first + TILES_AT_ONCE], geometry, hu_window=WINDOW, ignore_padding=True)


class Tally:
    """Voxels by class: right, answered, there, named right, named as the mirror partner, as a neighbour."""

    def __init__(self, table: BoneTable) -> None:
        self._ids = [bone.id for bone in table]
        self._mirror = table.mirror_lut()
        self._beside = _beside(table)
        self._counts = np.zeros((6, table.n_classes))
        self._bone = np.zeros(2)  # right, answered and there

    def add(self, scores: Tensor, labels: Tensor, bone: Tensor | None = None) -> None:
        """Scores by class, and by background and bone where a head of its own decides that."""
        valid = labels != torch.iinfo(labels.dtype).max
        likeliest = (scores[:, 1:].argmax(1) + 1)[valid].numpy()
        if bone is None:
            answer = scores.argmax(1)[valid].numpy()
        else:
            answer = np.where(bone.argmax(1)[valid].numpy() > 0, likeliest, 0)
        truth = labels[valid].long().numpy()
        there = truth > 0
        self._bone += (there & (answer > 0)).sum() * 2, there.sum() + (answer > 0).sum()
        kinds = (
            truth[truth == answer],
            answer,
            truth,
            truth[truth == likeliest],
            truth[there & (likeliest == self._mirror[truth]) & (likeliest != truth)],
            truth[there & (self._beside[truth] == likeliest[:, None]).any(1)],
        )
        self._counts += np.stack([np.bincount(kind, minlength=self._counts.shape[1]) for kind in kinds])

    def figures(self) -> dict[str, float]:
        right, answered, there, named, swapped, beside = self._counts[:, self._ids]
        present, total = there > 0, max(1, there.sum())
        return {
            "named": float(named.sum() / total),
            "sides": float(swapped.sum() / total),
            "neighbours": float(beside.sum() / total),
            "dice": float((2 * right[present] / (answered[present] + there[present])).mean()),
            "bone": float(self._bone[0] / max(1, self._bone[1])),
        }


def _beside(table: BoneTable) -> np.ndarray:
    """Labels of the bones before and after each in its series, ``[class 2]``; -1 where there is none."""
    beside = np.full((table.n_classes, 2), -1)
    numbered = {(bone.series, bone.side, bone.index): bone.id for bone in table if bone.index is not None}
    for (series, side, index), own in numbered.items():
        for column, step in enumerate((-1, 1)):
            beside[own, column] = numbered.get((series, side, index + step), -1)
    return beside


@torch.no_grad()
def judged(run: Run, cases: Sequence[Case]) -> dict[str, object]:
    network, table = run.trainer.exported, BoneTable.default()
    network.eval()
    architecture = network.architecture
    target = Tally(table)
    contexts = {f"{2**kappa}x": Tally(table) for kappa in architecture.contexts}
    looks = Looks(architecture.patch_size, WINDOW, ignore_padding=True)
    once = bool(architecture.contexts) and architecture.norm == "batch"
    for case in cases:
        for patches in batches(case, run.data.geometry, looks, levels=architecture.levels, once=once):
            image, *around = patches.images
            maps = (
                network.features_in_blocks(image, around, patches.places) if once else network.features(image, around)
            )
            parts = (each.split(TILES_AT_ONCE) for each in (maps.target, patches.labels[0]))
            for features, labels in zip(*parts, strict=True):
                bone = None
                if run.arm.bone_head:
                    weight, bias = bone_head(network)
                    bone = conv3d(features, weight[:, :, None, None, None], bias)
                target.add(apply_head(features, network.target_head()), labels, bone)
            for tally, features, head, labels in zip(
                contexts.values(), maps.contexts, network.context_heads(), patches.labels[1:], strict=True
            ):
                tally.add(apply_head(features, head), labels)
    named = {scale: tally.figures()["named"] for scale, tally in contexts.items()}
    return {**target.figures(), "context_named": named}


def painted(folder: Path, table: BoneTable, *, key: int) -> tuple[float, tuple[Case, ...]]:
    """Spacing, and a scan of every body of a folder."""
    bodies = BodyFolder(folder, table=table)
    painting = Painting(
        hu_window=WINDOW,
        contexts=CONTEXTS,
        context_labels="bone",
        n_classes=table.n_classes,
        scan=ScanSettings(),
    )
    scans = [
        PaintedCases(bodies, [body], painting, key=(0, key, body), device=CPU).paint(0) for body in range(len(bodies))
    ]
    return bodies.spacing, tuple(scans)


def real(folder: Path, table: BoneTable, *, spacing: float) -> Case:
    """A labelled scan as a case."""
    scan = on_network_grid(read_volume(folder / "ct.nii.gz"), spacing=(spacing,) * 3)
    reference = reference_of(folder / "labels.nii.gz", table)
    labels = resample(reference.voxels, reference.affine, to_shape=scan.shape, to_affine=scan.affine, order=0)
    pyramid = build_pyramid(
        torch.from_numpy(np.clip(scan.voxels, *WINDOW)),
        torch.from_numpy(labels.astype(np.uint8)),
        levels=CONTEXTS,
        n_classes=table.n_classes,
        context_labels="bone",
    )
    return Case(name=folder.name, shape=scan.shape, pyramid=pyramid, centres={})


def compare(options: argparse.Namespace) -> dict[str, object]:
    table = BoneTable.default()
    spacing, cases = painted(options.bodies, table, key=0)
    held_out: dict[str, Sequence[Case]] = {}
    for number, entry in enumerate(options.held_out, start=1):
        name, _, folder = entry.partition("=")
        held_out[name] = painted(Path(folder), table, key=number)[1]
    if options.scan is not None and options.scan.is_dir():
        held_out[options.scan.name] = [real(options.scan, table, spacing=spacing)]
    runs = [started(name, options, cases, table, spacing) for name in options.arms]
    total, done = 60 * options.minutes, 0.0
    while done < total:
        done = min(total, done + 60 * options.slice)
        for run in runs:
            run.work(until=done, contexts_until=total * options.contexts_first)
            print(f"{run.name}: {run.seconds / 60:.1f} min, step {run.trainer.step}", file=sys.stderr, flush=True)
    figures: dict[str, object] = {
        "settings": {key: str(value) for key, value in vars(options).items()},
        "arms": {
            run.name: {"steps": run.trainer.step, **{name: judged(run, scans) for name, scans in held_out.items()}}
            for run in runs
        },
    }
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "figures.json").write_text(json.dumps(figures, indent=2))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="show the arms and end")
    parser.add_argument("--bodies", type=Path, help="folder of bodies to learn from")
    parser.add_argument("--held-out", action="append", default=[], metavar="NAME=DIR", help="bodies to judge by")
    parser.add_argument("--scan", type=Path, default=SHARED / LABELLED)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--arms", type=lambda text: text.split(";"), default=[*ARMS], help="names, between semicolons")
    parser.add_argument("--minutes", type=float, default=6.0, help="of processor time, each arm")
    parser.add_argument("--slice", type=float, default=1.0, help="minutes of a turn")
    parser.add_argument("--contexts-first", type=float, default=0.33, help="share of the time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{name}: {arm}" for name, arm in ARMS.items()))
        return
    if options.bodies is None or options.output is None or not options.held_out:
        parser.error("give --bodies, --held-out and -o")
    if unknown := [name for name in options.arms if name not in ARMS]:
        parser.error(f"no such arm: {'; '.join(unknown)}; --list shows them")
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    print(json.dumps(compare(options), indent=None if options.json else 2))


if __name__ == "__main__":
    main()
