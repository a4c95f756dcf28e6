"""The sums and gradients of the head's loss as two Triton kernels: class scores live in registers only.

The mathematics is that of ``loss.py``. Each program takes blocks of voxels in turn, computes their class scores and
softmax from the features, and keeps its share of the sums by class (or of the weight's gradient) until the end, so
nothing with an axis of classes and one of voxels ever reaches memory.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 64  # voxels at a time
_PROGRAMS_PER_PROCESSOR = 4


def _kernel(function: Callable[..., None]) -> Any:
    """Compile with Triton, which reads the source: of the function itself, not of a type checker's wrapping."""
    return triton.jit(inspect.unwrap(function))


def class_sums(features: Tensor, weight: Tensor, bias: Tensor, labels: Tensor, *, ignore: int | None) -> Tensor:
    """What Dice and cross-entropy need, by class.

    Args:
        features: ``[voxel channel]``, contiguous.
        weight: of the head, ``[class channel]`` float32.
        bias: of the head, ``[class]`` float32.
        labels: ``[voxel]``.
        ignore: label of voxels that count nowhere.

    Returns:
        ``[4 class]`` float64: sum of probabilities over all voxels, sum over the class's own, number of its own, and
        sum of their negative log-probabilities.
    """
    programs = _programs(features)
    classes = _padded(len(bias))
    parts = torch.empty(programs, 4, classes, device=features.device)
    _sums_kernel[(programs,)](
        features, weight, bias, labels, parts, labels.numel(), len(bias), features.shape[1], _mark(ignore),
        **_meta(features, classes),
    )  # fmt: skip
    return parts.double().sum(0)[:, : len(bias)]


def gradients(
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    labels: Tensor,
    slopes: tuple[Tensor, Tensor, Tensor],
    *,
    ignore: int | None,
    out: Tensor,
) -> tuple[Tensor, Tensor]:
    """Gradients of the loss.

    Args:
        features: as for :func:`class_sums`.
        weight: likewise.
        bias: likewise.
        labels: likewise.
        slopes: by class, float32: what the loss changes with a probability on the class's own voxels beyond that
            anywhere, anywhere, and the weight of a voxel's cross-entropy.
        ignore: label of voxels that count nowhere.
        out: ``[voxel channel]``, gets the gradient by the features.

    Returns:
        The gradients by weight and bias, float32.
    """
    programs = _programs(features)
    classes, channels = _padded(len(bias)), _padded(features.shape[1])
    by_weight = torch.empty(programs, channels, classes, device=features.device)
    by_bias = torch.empty(programs, classes, device=features.device)
    _gradient_kernel[(programs,)](
        features, weight, bias, labels, *slopes, out, by_weight, by_bias,
        labels.numel(), len(bias), features.shape[1], _mark(ignore), **_meta(features, classes),
    )  # fmt: skip
    return by_weight.sum(0)[: features.shape[1], : len(bias)].t().contiguous(), by_bias.sum(0)[: len(bias)]


def _programs(features: Tensor) -> int:
    processors = torch.cuda.get_device_properties(features.device).multi_processor_count
    return min(processors * _PROGRAMS_PER_PROCESSOR, -(-features.shape[0] // _BLOCK))


def _padded(edge: int) -> int:
    """Matrix units take powers of two, 16 at least."""
    return max(16, 1 << (edge - 1).bit_length())


def _mark(ignore: int | None) -> int:
    return -1 if ignore is None else ignore


def _meta(features: Tensor, classes: int) -> dict[str, Any]:
    # Three passes of tf32 keep float32's precision; features of 16 bits have none to keep.
    exact = features.dtype == torch.float32
    return {
        "BLOCK": _BLOCK,
        "CLASSES": classes,
        "CHANNELS": _padded(features.shape[1]),
        "PRECISION": "tf32x3" if exact else "tf32",
        "num_warps": 8,
    }


@_kernel
def _read_head(w, b, n_classes, n_channels, CLASSES: tl.constexpr, CHANNELS: tl.constexpr):  # type: ignore[no-untyped-def]
    classes = tl.arange(0, CLASSES)
    channels = tl.arange(0, CHANNELS)
    known = classes < n_classes
    weight = tl.load(
        w + classes[None, :] * n_channels + channels[:, None],
        mask=known[None, :] & (channels < n_channels)[:, None],
        other=0.0,
    )
    bias = tl.load(b + classes, mask=known, other=float("-inf"))
    return weight, bias


@_kernel
def _softmax_block(  # type: ignore[no-untyped-def]
    x, y, start, weight, bias, n_voxels, n_channels, ignore,
    BLOCK: tl.constexpr, CLASSES: tl.constexpr, CHANNELS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Features, log-probabilities, probabilities (0 where nothing counts) and membership of a block of voxels."""
    rows = start + tl.arange(0, BLOCK)
    channels = tl.arange(0, CHANNELS)
    inside = rows < n_voxels
    label = tl.load(y + rows, mask=inside, other=0).to(tl.int32)
    counts = inside & (label != ignore)
    feature = tl.load(
        x + rows.to(tl.int64)[:, None] * n_channels + channels[None, :],
        mask=inside[:, None] & (channels < n_channels)[None, :],
        other=0.0,
    ).to(tl.float32)
    score = tl.dot(feature, weight, input_precision=PRECISION) + bias[None, :]
    score -= tl.max(score, axis=1)[:, None]
    e = tl.exp(score)
    total = tl.sum(e, axis=1)
    surprise = tl.log(total)[:, None] - score
    p = tl.where(counts[:, None], e / total[:, None], 0.0)
    mine = (label[:, None] == tl.arange(0, CLASSES)[None, :]) & counts[:, None]
    return feature, surprise, p, mine


@_kernel
def _sums_kernel(  # type: ignore[no-untyped-def]
    x, w, b, y, parts, n_voxels, n_classes, n_channels, ignore,
    BLOCK: tl.constexpr, CLASSES: tl.constexpr, CHANNELS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    weight, bias = _read_head(w, b, n_classes, n_channels, CLASSES, CHANNELS)
    predicted = tl.zeros([CLASSES], tl.float32)
    overlap = tl.zeros([CLASSES], tl.float32)
    number = tl.zeros([CLASSES], tl.float32)
    lost = tl.zeros([CLASSES], tl.float32)
    for start in range(program * BLOCK, n_voxels, tl.num_programs(0) * BLOCK):
        _, surprise, p, mine = _softmax_block(
            x, y, start, weight, bias, n_voxels, n_channels, ignore, BLOCK, CLASSES, CHANNELS, PRECISION
        )
        predicted += tl.sum(p, axis=0)
        overlap += tl.sum(tl.where(mine, p, 0.0), axis=0)
        number += tl.sum(tl.where(mine, 1.0, 0.0), axis=0)
        lost += tl.sum(tl.where(mine, surprise, 0.0), axis=0)
    out = parts + program * 4 * CLASSES + tl.arange(0, CLASSES)
    tl.store(out, predicted)
    tl.store(out + CLASSES, overlap)
    tl.store(out + 2 * CLASSES, number)
    tl.store(out + 3 * CLASSES, lost)


@_kernel
def _gradient_kernel(  # type: ignore[no-untyped-def]
    x, w, b, y, on_label, anywhere, voxel_weight, dx, dw, db, n_voxels, n_classes, n_channels, ignore,
    BLOCK: tl.constexpr, CLASSES: tl.constexpr, CHANNELS: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    classes = tl.arange(0, CLASSES)
    channels = tl.arange(0, CHANNELS)
    weight, bias = _read_head(w, b, n_classes, n_channels, CLASSES, CHANNELS)
    known = classes < n_classes
    extra = tl.load(on_label + classes, mask=known, other=0.0)
    always = tl.load(anywhere + classes, mask=known, other=0.0)
    heavy = tl.load(voxel_weight + classes, mask=known, other=0.0)
    by_weight = tl.zeros([CHANNELS, CLASSES], tl.float32)
    by_bias = tl.zeros([CLASSES], tl.float32)
    for start in range(program * BLOCK, n_voxels, tl.num_programs(0) * BLOCK):
        feature, _, p, mine = _softmax_block(
            x, y, start, weight, bias, n_voxels, n_channels, ignore, BLOCK, CLASSES, CHANNELS, PRECISION
        )
        direct = tl.sum(tl.where(mine, p * extra[None, :], 0.0), axis=1)
        entropy = tl.sum(tl.where(mine, heavy[None, :], 0.0), axis=1)
        offset = entropy - tl.sum(p * always[None, :], axis=1) - direct
        dz = p * (always[None, :] + offset[:, None]) + tl.where(mine, (direct - entropy)[:, None], 0.0)
        rows = start + tl.arange(0, BLOCK)
        tl.store(
            dx + rows.to(tl.int64)[:, None] * n_channels + channels[None, :],
            tl.dot(dz, tl.trans(weight), input_precision=PRECISION).to(dx.dtype.element_ty),
            mask=(rows < n_voxels)[:, None] & (channels < n_channels)[None, :],
        )
        by_weight += tl.dot(tl.trans(feature), dz, input_precision=PRECISION)
        by_bias += tl.sum(dz, axis=0)
    place = channels[:, None] * CLASSES + classes[None, :]
    tl.store(dw + program * CHANNELS * CLASSES + place, by_weight)
    tl.store(db + program * CLASSES + classes, by_bias)
