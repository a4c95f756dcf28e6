"""What training gains where targets share a pass of the contexts: two equal networks, equally long, by turns.

    python benchmarks/shared_context.py -o OUT [--json] [--minutes 12] [--slice 1] [--variant E] [--spacing 8]
        [--patch-size 16] [--width 8] [--batch-size 16] [--targets 8] [--region 2] [--contexts-first 0.3]
        [--bodies 60] [--held-out 12] [--seed 0]

The arm ``apart`` gives every target context patches of its own, as the paper does; the arm ``shared`` lets
``--targets`` of one case share a block (``sneakynet train --shared-context``). Same bodies (each painted once), seed,
first weights, settings and targets per step; one thread; the arms take turns of ``--slice`` minutes, so that both meet
the same load, until each has had ``--minutes``. At first (``--contexts-first``, a share) only the contexts are trained.

Judged on held-out phantoms, all of each scan, with the contexts run once per scan (as ``sneakynet segment`` runs such
networks) and for every target anew:

- named: share of the true bone voxels whose likeliest bone is the right one, whatever background scores;
- dice: mean DSC over the classes, voxels of all scans pooled;
- context_named: the same by the contexts alone, on their own cells.

Phantoms go to OUT/bodies and are used again; OUT/<arm>.safetensors are the weights.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.case import Case
from sneakynet.data.draw import Draw
from sneakynet.data.painted import PaintedCases, Painting
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.phantom_source import PhantomSource
from sneakynet.data.sampling import Patches, make_batch
from sneakynet.data.shared_patches import SharedDraw, Sharing, make_shared_batch
from sneakynet.data.views import Looks
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.sneakynet import SneakyNet, apply_head
from sneakynet.models.weights import WeightsHeader, save_weights
from sneakynet.phantom.scan import ScanSettings
from sneakynet.training.loop import TrainingData
from sneakynet.training.run import make_network
from sneakynet.training.settings import TrainSettings, override
from sneakynet.training.trainer import Trainer

TILES_AT_ONCE = 16


@dataclass
class Arm:
    """A network and what it has cost so far."""

    trainer: Trainer
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    context_seconds: float = 0.0
    voxels: dict[str, float] = field(default_factory=dict)
    curve: list[dict[str, object]] = field(default_factory=list)

    def work(self, data: TrainingData, *, until: float, contexts_until: float) -> None:
        """Train until so many seconds are spent in all."""
        trainer = self.trainer
        while self.seconds < until:
            alone = self.seconds < contexts_until
            trainer.settings = override(trainer.settings, context_steps=trainer.step + 1 if alone else 0)
            began, cpu = time.monotonic(), time.process_time()
            patches = data.training_batch(trainer.settings, trainer.step)
            trainer.train_step(patches)
            self.seconds += time.monotonic() - began
            self.cpu_seconds += time.process_time() - cpu
            self.context_seconds = self.seconds if alone else self.context_seconds
            self._count(patches, contexts_only=alone)

    def _count(self, patches: Patches, *, contexts_only: bool) -> None:
        names = ["target", *(f"context_{2**n}x" for n in self.trainer.model.architecture.contexts)]
        for name, labels in list(zip(names, patches.labels, strict=True))[int(contexts_only) :]:
            bone = ((labels > 0) & (labels < torch.iinfo(labels.dtype).max)).sum()
            for key, value in ((f"{name}_bone", int(bone)), (name, labels.numel())):
                self.voxels[key] = self.voxels.get(key, 0) + value


def settings(options: argparse.Namespace, *, shared: bool) -> TrainSettings:
    return TrainSettings(
        variant=options.variant,
        contexts=(1, 2),
        patch_size=options.patch_size,
        levels=4,
        width=options.width,
        norm="batch",
        hook_source="decoder",
        context_labels="bone",
        batch_size=options.batch_size,
        shared_context=options.targets if shared else 0,
        shared_region=options.region,
        learning_rate=2e-3,
        schedule="constant",
        background_weight=0.1,
        balanced=0.8,
        ema=0.99,
        seed=options.seed,
    )


def tiles(case: Case, size: int) -> list[tuple[int, int, int]]:
    return list(product(*(range(0, edge, size) for edge in case.pyramid.shape)))


def batches(case: Case, geometry: PatchGeometry, looks: Looks, *, once: bool) -> Iterator[Patches]:
    """All of a case in tiles side by side, with contexts once or for each."""
    i, j, k = case.pyramid.shape
    draws = [Draw(0, origin, ((0, i), (0, j), (0, k))) for origin in tiles(case, geometry.patch_size)]
    if once:
        sharing = Sharing(targets=len(draws), region=1, levels=4)
        whole = SharedDraw(draws[0], tuple(draw.origin for draw in draws))
        yield make_shared_batch([case], [whole], geometry, sharing, looks)
        return
    for first in range(0, len(draws), TILES_AT_ONCE):
        yield make_batch(
            [case],
            draws[first : first + TILES_AT_ONCE],
            geometry,
            hu_window=looks.hu_window,
            ignore_padding=looks.ignore_padding,
        )


class Tally:
    """Voxels by class: right, answered, in the labels; and bone voxels: named right, in all."""

    def __init__(self, n_classes: int) -> None:
        self._n = n_classes
        self._counts = np.zeros((5, n_classes))

    def add(self, scores: Tensor, labels: Tensor) -> None:
        valid = labels != torch.iinfo(labels.dtype).max
        truth, answer = labels[valid].long(), scores.argmax(1)[valid]
        likeliest = (scores[:, 1:].argmax(1) + 1)[valid]
        right = (truth[truth == each] for each in (answer, likeliest))
        kinds = (next(right), answer, truth, next(right), truth)
        self._counts += np.stack([np.bincount(kind.numpy(), minlength=self._n) for kind in kinds])

    def figures(self, table: BoneTable) -> dict[str, object]:
        groups: dict[str, list[int]] = {}
        for bone in table:
            groups.setdefault(bone.group, []).append(bone.id)
        return {
            **self._of([bone.id for bone in table]),
            "groups": {name: self._of(ids) for name, ids in groups.items() if self._counts[2, ids].any()},
        }

    def _of(self, ids: Sequence[int]) -> dict[str, float]:
        right, answered, there, named, _ = self._counts[:, list(ids)]
        present = there > 0
        dice = 2 * right[present] / (answered[present] + there[present])
        return {"named": float(named.sum() / max(1, there.sum())), "dice": float(dice.mean()) if present.any() else 0.0}


@torch.no_grad()
def judged(network: SneakyNet, cases: Sequence[Case], data: TrainingData, *, once: bool) -> dict[str, object]:
    network.eval()
    target = Tally(data.table.n_classes)
    contexts = {f"{2**kappa}x": Tally(data.table.n_classes) for kappa in data.geometry.contexts}
    looks = Looks(data.geometry.patch_size, (-500.0, 1300.0), ignore_padding=True)
    for case in cases:
        for patches in batches(case, data.geometry, looks, once=once):
            image, *around = patches.images
            maps = (
                network.features_in_blocks(image, around, patches.places) if once else network.features(image, around)
            )
            parts = (each.split(TILES_AT_ONCE) for each in (maps.target, patches.labels[0]))
            for features, labels in zip(*parts, strict=True):
                target.add(apply_head(features, network.target_head()), labels)
            for tally, features, head, labels in zip(
                contexts.values(), maps.contexts, network.context_heads(), patches.labels[1:], strict=True
            ):
                tally.add(apply_head(features, head), labels)
    named = {scale: tally.figures(data.table)["named"] for scale, tally in contexts.items()}
    return {**target.figures(data.table), "context_named": named}


def report(arm: Arm, cases: Sequence[Case], data: TrainingData) -> dict[str, object]:
    steps, batch = arm.trainer.step, arm.trainer.settings.batch_size
    return {
        "steps": steps,
        "minutes": round(arm.seconds / 60, 2),
        "cpu_minutes": round(arm.cpu_seconds / 60, 2),
        "steps_per_s": steps / arm.seconds,
        "targets_per_s": steps * batch / arm.seconds,
        "context_minutes": round(arm.context_seconds / 60, 2),
        "voxels_per_s": {name: round(count / arm.seconds) for name, count in arm.voxels.items()},
        "half_way": arm.curve,
        "contexts_once": judged(arm.trainer.exported, cases, data, once=True),
        "contexts_per_target": judged(arm.trainer.exported, cases, data, once=False),
    }


def arms(options: argparse.Namespace, table: BoneTable) -> dict[str, Arm]:
    made = {}
    for name, shared in (("apart", False), ("shared", True)):
        chosen = settings(options, shared=shared)
        torch.manual_seed(options.seed)
        made[name] = Arm(Trainer(make_network(chosen, table), chosen))
    return made


def run(options: argparse.Namespace) -> dict[str, object]:
    table = BoneTable.default()
    painting = Painting(
        hu_window=(-500.0, 1300.0),
        contexts=(1, 2),
        context_labels="bone",
        n_classes=table.n_classes,
        scan=ScanSettings(),
    )
    count, cpu = options.bodies + options.held_out, torch.device("cpu")
    with PhantomSource(
        seed=1000, count=count, spacing=options.spacing, cache=options.output / "bodies", workers=0
    ) as source:
        every = [
            PaintedCases(source, [body], painting, key=(options.seed, 3, body), device=cpu).paint(0)
            for body in range(count)
        ]
    pool, held_out = tuple(every[: options.bodies]), every[options.bodies :]
    geometry = PatchGeometry(options.patch_size, (1, 2))
    data = TrainingData(lambda _step: pool, held_out, geometry, table, options.spacing)
    both = arms(options, table)
    total, first = 60 * options.minutes, 60 * options.minutes * options.contexts_first
    figures: dict[str, object] = {"settings": {key: str(value) for key, value in vars(options).items()}}
    done = 0.0
    while done < total:
        half, done = done < total / 2, min(total, done + 60 * options.slice)
        for name, arm in both.items():
            arm.work(data, until=done, contexts_until=first)
            if half and done >= total / 2:
                arm.curve.append(
                    {"minutes": done / 60, "step": arm.trainer.step}
                    | judged(arm.trainer.exported, held_out, data, once=True)
                )
                print(json.dumps({name: arm.curve}), file=sys.stderr, flush=True)
            print(f"{name}: {arm.seconds / 60:.1f} min, step {arm.trainer.step}", file=sys.stderr, flush=True)
    for name, arm in both.items():
        figures[name] = report(arm, held_out, data)
        header = WeightsHeader(
            architecture=arm.trainer.model.architecture.to_dict(),
            spacing=(options.spacing,) * 3,
            hu_window=(-500.0, 1300.0),
            table=table,
            provenance={"benchmark": "shared_context", "arm": name, "steps": arm.trainer.step},
        )
        save_weights(options.output / f"{name}.safetensors", arm.trainer.exported, header)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=12.0, help="of each arm")
    parser.add_argument("--slice", type=float, default=1.0, help="minutes of a turn")
    parser.add_argument("--variant", default="E")
    parser.add_argument("--spacing", type=float, default=8.0)
    parser.add_argument("--patch-size", type=int, default=16)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--targets", type=int, default=8)
    parser.add_argument("--region", type=int, default=2)
    parser.add_argument("--contexts-first", type=float, default=0.3, help="share of the time")
    parser.add_argument("--bodies", type=int, default=60)
    parser.add_argument("--held-out", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    options.output.mkdir(parents=True, exist_ok=True)
    figures = run(options)
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
