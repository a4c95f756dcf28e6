"""The loss with the linear head before it, forward and backward, 16 channels to 126 classes.

Beside the times: how far each peer's gradients lie from ours, relative to the largest value. nnU-Net's Dice is counted
downwards from 0 where ours falls from 1, so that its values, not its gradients, differ by one.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch.nn.functional import conv3d

from learning.contest import Row, contest
from learning.peer_losses import peer_losses
from sneakynet.training.loss import head_loss

_CLASSES, _CHANNELS = 126, 16

Gradients = Callable[[], tuple[torch.Tensor, ...]]
"""Computes the loss and its gradients by features, weight and bias."""


def rows(*, quick: bool) -> list[Row]:
    found = []
    for edge, rounds in ((64, 3 if quick else 7),) + (() if quick else ((128, 3),)):
        methods = _methods(edge)
        rows_ = contest("head and loss, forward and backward", f"1x{_CLASSES}x{edge}^3", methods, rounds=rounds)
        found += [
            replace(row, more={"gradients differ by": _apart(methods["fused (ours)"], methods[row.method])})
            for row in rows_
        ]
    return found


def _apart(ours: Gradients, theirs: Gradients) -> str:
    """Largest difference between two methods' gradients, each relative to the largest value."""
    apart = [float((a - b).abs().max() / a.abs().max()) for a, b in zip(ours(), theirs(), strict=True)]
    return f"{max(apart):.1e}"


def _methods(edge: int) -> dict[str, Gradients]:
    torch.manual_seed(0)
    features = torch.randn(1, _CHANNELS, edge, edge, edge, requires_grad=True)
    weight = (0.3 * torch.randn(_CLASSES, _CHANNELS)).requires_grad_()
    bias = torch.zeros(_CLASSES, requires_grad=True)
    # Blocks, as bones are; nearly half of them background.
    cells = torch.randint(0, 2 * _CLASSES, (1, edge // 8, edge // 8, edge // 8)).clamp_max(2 * _CLASSES)
    cells[cells >= _CLASSES] = 0
    labels = cells.repeat_interleave(8, 1).repeat_interleave(8, 2).repeat_interleave(8, 3)
    small = labels.to(torch.uint8)
    leaves = (features, weight, bias)

    def peer(loss: Callable[..., torch.Tensor]) -> Gradients:
        def run() -> tuple[torch.Tensor, ...]:
            logits = conv3d(features, weight[:, :, None, None, None], bias)
            return torch.autograd.grad(loss(logits, labels), leaves)

        return run

    def ours() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(head_loss(features, weight, bias, small).total, leaves)

    return {"fused (ours)": ours, **{name: peer(loss) for name, loss in peer_losses().items()}}
