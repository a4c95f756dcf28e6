"""Dice on patches that are never trained on, always the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sneakynet.anatomy.ignored import ignored
from sneakynet.data.sampling import Patches
from sneakynet.models.sneakynet import SneakyNet, apply_head
from sneakynet.training.processes import Processes
from sneakynet.training.trainer import autocast


@dataclass(frozen=True)
class Score:
    """Of one network, over the classes present in the validation patches (background not counted).

    Args:
        dice: mean DSC, misses counted as 0.
        found: share of the classes with a DSC above 0.
        named: share of the true bone voxels whose likeliest bone is the right one, whatever background scores. While
            names are still shared out among many bones background wins every vote, and only this figure moves.
    """

    dice: float
    found: float
    named: float


@torch.no_grad()
def validate(
    model: SneakyNet,
    batches: Sequence[Patches],
    *,
    precision: Literal["f32", "bf16"] = "f32",
    processes: Processes | None = None,
) -> dict[str, Score]:
    """Score every network that answers: ``target`` and ``context_<scale>x``.

    Voxels of all patches, those of other processes too, are pooled before the DSC of a class is taken: a patch rarely
    holds a whole bone.
    """
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    n = model.architecture.n_classes
    counts: dict[str, np.ndarray] = {}
    named: dict[str, np.ndarray] = {}
    for patches in batches:
        target, *contexts = (image.to(device) for image in patches.images)
        with autocast(device, precision):
            output = model.features(target, contexts)
        heads = [model.target_head(), *model.context_heads()]
        names = ["target", *(f"context_{2**kappa}x" for kappa in model.architecture.contexts)]
        # Variant C's contexts have no head of their own: the longer lists end there.
        for name, features, head, labels in zip(
            names, [output.target, *output.contexts], heads, patches.labels, strict=False
        ):
            scores = apply_head(features.float(), head)
            named[name] = named.get(name, np.zeros(2)) + _named(scores, labels.to(device))
            answer = scores.argmax(1)
            counts[name] = counts.get(name, np.zeros((3, n))) + _counts(answer.cpu(), labels.cpu(), n)
    model.train(training)
    parts = [(counts, named)] if processes is None else processes.gather((counts, named))
    found = dict.fromkeys(name for part, _ in parts for name in part)
    return {name: _score(_total(name, parts, 0), _total(name, parts, 1)) for name in found}


def _total(name: str, parts: Sequence[tuple[dict[str, np.ndarray], ...]], kind: int) -> np.ndarray:
    """Counts of one kind, of one network, over all processes."""
    return np.asarray(np.sum([part[kind][name] for part in parts if name in part[kind]], axis=0))


def _counts(answer: Tensor, labels: Tensor, n_classes: int) -> np.ndarray:
    """Rows: voxels right, voxels answered, voxels in the labels; by class."""
    a, y = answer.numpy().ravel(), labels.numpy().ravel()
    inside = y != ignored(y.dtype)
    a, y = a[inside], y[inside].astype(np.int64)
    return np.stack([np.bincount(v, minlength=n_classes) for v in (y[a == y], a, y)])


def _named(scores: Tensor, labels: Tensor) -> np.ndarray:
    """Bone voxels whose likeliest bone is right, and bone voxels."""
    bone = (labels > 0) & (labels != torch.iinfo(labels.dtype).max)
    likeliest = scores[:, 1:].argmax(1) + 1
    return np.array([int((likeliest == labels)[bone].sum()), int(bone.sum())])


def _score(counts: np.ndarray, named: np.ndarray) -> Score:
    right, answered, reference = counts[:, 1:]
    present = reference > 0
    if not present.any():
        return Score(dice=0.0, found=0.0, named=0.0)
    dice = 2 * right[present] / (answered[present] + reference[present])
    return Score(dice=float(dice.mean()), found=float((dice > 0).mean()), named=float(named[0] / named[1]))
