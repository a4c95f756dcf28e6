"""The loss with the linear head before it, forward and backward, 16 channels to 126 classes."""

from collections.abc import Callable

import torch
from torch.nn.functional import conv3d

from learning.contest import Row, contest
from learning.peer_losses import peer_losses
from sneakynet.training.loss import head_loss

_CLASSES, _CHANNELS = 126, 16


def rows(*, quick: bool) -> list[Row]:
    found = []
    for edge, rounds in ((64, 3 if quick else 7),) + (() if quick else ((128, 3),)):
        found += contest("head and loss, forward and backward", f"1x{_CLASSES}x{edge}^3", _methods(edge), rounds=rounds)
    return found


def _methods(edge: int) -> dict[str, Callable[[], object]]:
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

    def peer(loss: Callable[..., torch.Tensor]) -> Callable[[], object]:
        def run() -> None:
            logits = conv3d(features, weight[:, :, None, None, None], bias)
            torch.autograd.grad(loss(logits, labels), leaves)

        return run

    def ours() -> None:
        torch.autograd.grad(head_loss(features, weight, bias, small).total, leaves)

    return {"fused (ours)": ours, **{name: peer(loss) for name, loss in peer_losses().items()}}
