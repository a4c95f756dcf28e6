"""Cross-entropy plus soft Dice over many classes, fused with the linear head.

With 126 classes the logits of one 64^3 patch are 132 MB and every copy of them costs more than the convolutions
before it. So nothing here is one-hot and nothing of that size exists: the voxels go through the head in chunks that
fit the cache, once for the sums that Dice needs and once for the gradient, which has a closed form:

    loss = sum_v w_v (-log p_v[y_v]) / sum_v w_v  +  1 - mean_c (2 I_c + eps) / (P_c + T_c + eps)

with p the softmax, I_c the sum of p_c over the voxels of class c, P_c the sum of p_c over all voxels and T_c the number
of voxels of class c.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.errors import SettingError
from sneakynet.types import Features, LabelPatch, Logits

DICE_EPS = 1e-5
DiceClasses = Literal["all", "present"]

# Voxels per chunk: on a CPU the class scores of a chunk should stay in the cache; a GPU wants large launches.
_CHUNK = {"cpu": 8192, "cuda": 1 << 18}


@dataclass(frozen=True)
class Loss:
    """The loss of one network on one batch.

    Args:
        total: cross-entropy + Dice loss; the one that carries a gradient.
        cross_entropy: weighted mean over the voxels, nats (without gradient).
        dice: 1 - soft Dice, averaged over classes (without gradient).
    """

    total: Float[Tensor, ""]
    cross_entropy: Float[Tensor, ""]
    dice: Float[Tensor, ""]


def head_loss(
    features: Features,
    weight: Float[Tensor, "class channel"],
    bias: Float[Tensor, " class"],
    labels: LabelPatch,
    *,
    dice: DiceClasses = "all",
    class_weights: Float[Tensor, " class"] | None = None,
    ignore: int | None = None,
    add_up: Callable[[Tensor], Tensor] | None = None,
) -> Loss:
    """Loss of ``softmax(weight @ features + bias)`` against the labels, without the logits ever existing as a whole.

    Args:
        features: input of the linear head, any float type; chunks are computed in float32 (float64 stays).
        weight: of the linear head (a 1x1x1 convolution without its three unit axes).
        bias: of the linear head.
        labels: class of every voxel.
        dice: average Dice over ``all`` classes (the paper) or over those ``present`` in the labels of this batch.
        class_weights: weight of each class in the cross-entropy; by default all 1.
        ignore: label of voxels that count nowhere.
        add_up: adds a tensor up over the processes that share a batch, in its place; the loss is then that of all
            their voxels, and the gradient what this process's voxels contribute to it.
    """
    options = _Options(dice, class_weights, ignore, with_gradient=torch.is_grad_enabled(), add_up=add_up)
    return _loss(features, weight, bias, labels, options)


def logits_loss(
    logits: Logits,
    labels: LabelPatch,
    *,
    dice: DiceClasses = "all",
    class_weights: Float[Tensor, " class"] | None = None,
    ignore: int | None = None,
) -> Loss:
    """The same loss for logits that exist already (see ``head_loss`` for the arguments)."""
    options = _Options(dice, class_weights, ignore, with_gradient=torch.is_grad_enabled())
    return _loss(logits, None, None, labels, options)


def _loss(features: Tensor, weight: Tensor | None, bias: Tensor | None, labels: Tensor, options: "_Options") -> Loss:
    n_classes = features.shape[1] if weight is None else weight.shape[0]
    if not labels.is_cuda:  # on a GPU the answer would be waited for; what is painted there has no foreign labels
        _check_labels(labels, n_classes, options.ignore)
    # torch ships Function.apply without types.
    total, cross_entropy, dice_loss = _FusedLoss.apply(features, weight, bias, labels, options)  # type: ignore[no-untyped-call]
    return Loss(total=total, cross_entropy=cross_entropy, dice=dice_loss)


def _check_labels(labels: Tensor, n_classes: int, ignore: int | None) -> None:
    kept = labels if ignore is None else labels[labels != ignore]
    if kept.numel() and (highest := int(kept.max())) >= n_classes:
        msg = (
            f"a label is {highest}, the network has {n_classes} classes (0..{n_classes - 1}); give the dataset's table"
        )
        raise SettingError(msg)


@dataclass(frozen=True)
class _Options:
    dice: DiceClasses
    class_weights: Tensor | None
    ignore: int | None
    with_gradient: bool
    add_up: Callable[[Tensor], Tensor] | None = None


@dataclass
class _Chunk:
    """Some voxels of one block of rows."""

    block: int
    rows: slice
    probabilities: Tensor  # [voxels, class]; a buffer that the next chunk overwrites
    labels: Tensor  # [voxels] int64, ignored voxels as class 0
    valid: Tensor | None  # [voxels] bool, None where every voxel counts


class _FusedLoss(torch.autograd.Function):
    """Computes the gradient together with the loss: the features are at hand and the chunks still warm."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd passes them by position
        ctx: Any, features: Tensor, weight: Tensor | None, bias: Tensor | None, labels: Tensor, options: _Options
    ) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(features.device.type, enabled=False):
            with_gradient = options.with_gradient and any(ctx.needs_input_grad[:3])
            if weight is not None and bias is not None and _has_kernels(features):
                sums, found = _by_kernels(features, weight, bias, labels, options, with_gradient=with_gradient)
            else:
                rows = _Rows(features, weight, bias, labels, ignore=options.ignore)
                sums = _Sums.over(rows, options)
                found = _gradients(rows, sums, features, weight, bias) if with_gradient else ()
            ctx.save_for_backward(*found)
        ctx.mark_non_differentiable(sums.cross_entropy, sums.dice)
        return sums.cross_entropy + sums.dice, sums.cross_entropy, sums.dice

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        gradients: list[Tensor | None] = [g * grad.to(g.dtype) for g in ctx.saved_tensors]
        gradients += [None] * (5 - len(gradients))
        return tuple(gradients)


def _has_kernels(features: Tensor) -> bool:
    return features.is_cuda and features.dtype != torch.float64 and find_spec("triton") is not None


def _by_kernels(
    features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, options: _Options, *, with_gradient: bool
) -> tuple["_Sums", tuple[Tensor, ...]]:
    """The same by the kernels for GPUs."""
    from sneakynet.training import head_kernels  # Triton is there only where a GPU is

    maps = features.detach().contiguous(memory_format=torch.channels_last_3d)
    rows = _blocks(maps)[0]
    w, b = weight.detach().float().contiguous(), bias.detach().float().contiguous()
    y = labels.contiguous().flatten()
    totals = head_kernels.class_sums(rows, w, b, y, ignore=options.ignore)
    sums = _Sums.of(totals, options, dtype=torch.float32)
    if not with_gradient:
        return sums, ()
    by_features = torch.empty_like(maps)
    slopes = (sums.on_label.contiguous(), sums.anywhere.contiguous(), sums.voxel_weight.contiguous())
    by_weight, by_bias = head_kernels.gradients(
        rows, w, b, y, slopes, ignore=options.ignore, out=_blocks(by_features)[0]
    )
    return sums, (by_features, by_weight.to(weight.dtype), by_bias.to(bias.dtype))


class _Rows:
    """The batch as chunks of voxels with their class probabilities."""

    def __init__(
        self, features: Tensor, weight: Tensor | None, bias: Tensor | None, labels: Tensor, *, ignore: int | None
    ) -> None:
        self.dtype = features.dtype if features.dtype == torch.float64 else torch.float32
        self.device = features.device
        self.n_classes = features.shape[1] if weight is None else weight.shape[0]
        self.inputs = _blocks(features.detach())
        self.labels = [labels.flatten()] if len(self.inputs) == 1 else [entry.flatten() for entry in labels]
        self.ignore = ignore
        self.weight = None if weight is None else weight.detach().to(self.dtype)
        self.bias = None if bias is None else bias.detach().to(self.dtype)
        self.chunk = min(_CHUNK.get(self.device.type, 8192), self.labels[0].numel())

    def buffer(self) -> Tensor:
        # Reused for every chunk: on a CPU, fresh memory of this size costs three times the matrix product.
        return torch.empty(self.chunk, self.n_classes, dtype=self.dtype, device=self.device)

    def __iter__(self) -> Iterator[_Chunk]:
        scores, probabilities = self.buffer(), self.buffer()
        for block, (inputs, labels) in enumerate(zip(self.inputs, self.labels, strict=True)):
            for start in range(0, labels.numel(), self.chunk):
                rows = slice(start, min(start + self.chunk, labels.numel()))
                n = rows.stop - start
                x = inputs[rows].to(self.dtype)
                if self.weight is not None and self.bias is not None:
                    x = torch.addmm(self.bias, x, self.weight.t(), out=scores[:n])
                torch.softmax(x, 1, out=probabilities[:n])
                y = labels[rows].long()
                valid = None if self.ignore is None else y != self.ignore
                if valid is not None:
                    y = y.where(valid, 0)
                    probabilities[:n] *= valid[:, None]
                yield _Chunk(block, rows, probabilities[:n], y, valid)


def _blocks(maps: Tensor) -> list[Tensor]:
    """A feature map as views ``[voxel, channel]``: one of the whole batch where channels come last, else per entry."""
    if maps.is_contiguous(memory_format=torch.channels_last_3d):
        return [maps.movedim(1, -1).flatten(0, 3)]
    return [entry.flatten(1).t() for entry in maps]


def _by_class(labels: Tensor, values: Tensor, n_classes: int) -> Tensor:
    """Sums of the columns of ``values`` over the voxels of each class, ``[class column]``, in float64."""
    if not labels.is_cuda:
        sums = torch.zeros(n_classes, values.shape[1], dtype=torch.float64)
        return sums.index_add_(0, labels, values.double())
    # Nearly all voxels are background: added up one by one they would queue for one address.
    members = labels[None, :] == torch.arange(n_classes, device=labels.device)[:, None]
    return (members.to(values.dtype) @ values).double()


@dataclass
class _Sums:
    """What the gradient needs from all voxels at once."""

    cross_entropy: Tensor
    dice: Tensor
    on_label: Tensor  # [class] d dice / d p_v[c] where c is the voxel's label, beyond `anywhere`
    anywhere: Tensor  # [class] d dice / d p_v[c] at every voxel
    voxel_weight: Tensor  # [class] d cross_entropy / d (-log p) of a voxel of that class

    @classmethod
    def over(cls, rows: _Rows, options: _Options) -> "_Sums":
        """Of chunks of voxels."""
        totals = torch.zeros(4, rows.n_classes, dtype=torch.float64, device=rows.device)
        tiny = torch.finfo(rows.dtype).tiny
        for chunk in rows:
            totals[0] += chunk.probabilities.sum(0)
            own = chunk.probabilities.gather(1, chunk.labels[:, None]).squeeze(1)
            one = torch.ones_like(own) if chunk.valid is None else chunk.valid.to(own.dtype)
            # The clamp caps the reported value of hopeless voxels at about 87 nats; the gradient stays exact.
            values = torch.stack([own, one, -own.clamp_min(tiny).log() * one], dim=1)
            totals[1:] += _by_class(chunk.labels, values, rows.n_classes).t()
        return cls.of(totals, options, dtype=rows.dtype)

    @classmethod
    def of(cls, totals: Tensor, options: _Options, *, dtype: torch.dtype) -> "_Sums":
        """Of sums by class, ``[4 class]``: probability anywhere, on the class's own voxels, their number, their
        negative log-probability.
        """
        predicted, overlap, count, surprise = totals if options.add_up is None else options.add_up(totals)
        weights = torch.ones_like(count) if options.class_weights is None else options.class_weights.to(count)
        weights = weights / (weights * count).sum().clamp_min(torch.finfo(dtype).tiny)
        size = predicted + count + DICE_EPS
        counted = (count > 0).double() if options.dice == "present" else torch.ones_like(count)
        share = counted / counted.sum().clamp_min(1.0)
        score = (2 * overlap + DICE_EPS) / size
        return cls(
            cross_entropy=(weights * surprise).sum().to(dtype),
            dice=(share.sum() - (share * score).sum()).to(dtype),
            on_label=(-2 * share / size).to(dtype),
            anywhere=(share * score / size).to(dtype),
            voxel_weight=weights.to(dtype),
        )


def _gradients(
    rows: _Rows, sums: _Sums, features: Tensor, weight: Tensor | None, bias: Tensor | None
) -> tuple[Tensor, ...]:
    """Gradients of the loss by features, and by weight and bias where there is a head."""
    channels_last = len(rows.inputs) == 1 and features.is_contiguous(memory_format=torch.channels_last_3d)
    layout = torch.channels_last_3d if channels_last else torch.contiguous_format
    grad_features = torch.empty(features.shape, dtype=features.dtype, device=features.device, memory_format=layout)
    outputs = _blocks(grad_features)
    slope = rows.buffer()
    grad_weight = None if rows.weight is None else torch.zeros_like(rows.weight)
    grad_bias = None if rows.bias is None else torch.zeros_like(rows.bias)
    for chunk in rows:
        p, y = chunk.probabilities, chunk.labels
        own = p.gather(1, y[:, None]).squeeze(1)
        direct = own * sums.on_label[y]  # what the label's own probability adds to the voxel's mean slope
        weight_v = sums.voxel_weight[y]
        if chunk.valid is not None:
            weight_v = weight_v * chunk.valid
        offset = weight_v - (p @ sums.anywhere + direct)
        # Softmax: dz_c = p_c (g_c - sum_k p_k g_k), with g the slope by p; and cross-entropy: w (p_c - [c = y]).
        dz = torch.add(sums.anywhere, offset[:, None], out=slope[: len(y)])
        dz.mul_(p)
        dz.scatter_add_(1, y[:, None], (direct - weight_v)[:, None])
        if rows.weight is None or grad_weight is None or grad_bias is None:
            outputs[chunk.block][chunk.rows] = dz.to(features.dtype)
            continue
        outputs[chunk.block][chunk.rows] = (dz @ rows.weight).to(features.dtype)
        grad_weight.addmm_(dz.t(), rows.inputs[chunk.block][chunk.rows].to(rows.dtype))
        grad_bias += dz.sum(0)
    if grad_weight is None or grad_bias is None or weight is None or bias is None:
        return (grad_features,)
    return grad_features, grad_weight.to(weight.dtype), grad_bias.to(bias.dtype)
