"""A whole training step: forward, loss, backward, Adam.

Twice: as the C library treats freed memory by default, which is how the peers train, and with freed memory kept, which
is how ours trains (`keep_freed_memory`). The setting holds for the whole process and cannot be taken back, so what
follows has it too.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from learning.contest import Row, contest
from learning.peer_losses import PeerLoss, peer_losses
from sneakynet.data.sampling import Patches
from sneakynet.models.allocator import keep_freed_memory
from sneakynet.models.bf16 import has_bf16
from sneakynet.models.builders import build_sneakynet
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer, autocast

_CLASSES = 126


def rows(*, quick: bool) -> list[Row]:
    precision = "bf16" if has_bf16(torch.device("cpu")) else "f32"
    patches = batch(64, ())
    methods: dict[str, Callable[[], object]] = {}
    trainer = Trainer(_network(), TrainSettings(variant="A", precision=precision))
    methods["ours"] = lambda: trainer.train_step(patches)
    for name, loss in peer_losses().items():
        methods[name] = _peer(patches, loss, precision, torch.contiguous_format)
        if not quick:
            methods[f"{name}, channels last"] = _peer(patches, loss, precision, torch.channels_last_3d)
    found = []
    for memory, prepare in (("as it comes", lambda: None), ("kept", keep_freed_memory)):
        prepare()
        what = f"step of a U-Net of width 16, batch 1, {precision}, freed memory {memory}"
        found += contest(what, f"1x1x64^3 to {_CLASSES} classes", methods, rounds=2 if quick else 7)
    return found


def batch(edge: int, contexts: tuple[int, ...]) -> Patches:
    """Noise, and labels in blocks."""
    torch.manual_seed(0)
    cells = torch.randint(0, 2 * _CLASSES, (1, edge // 8, edge // 8, edge // 8))
    cells[cells >= _CLASSES] = 0
    labels = cells.repeat_interleave(8, 1).repeat_interleave(8, 2).repeat_interleave(8, 3).to(torch.uint8)
    count = 1 + len(contexts)
    return Patches(tuple(torch.randn(1, 1, edge, edge, edge) for _ in range(count)), (labels,) * count)


def _network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build_sneakynet(variant="A", n_classes=_CLASSES, patch_size=64, contexts=(), width=16, levels=5)


def _peer(patches: Patches, loss: PeerLoss, precision: str, layout: torch.memory_format) -> Callable[[], object]:
    network = _network().to(memory_format=layout)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    image: Tensor = patches.images[0].to(memory_format=layout)
    labels = patches.labels[0].long()

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with autocast(torch.device("cpu"), precision):
            logits = network(image).target
        loss(logits, labels).backward()
        optimiser.step()

    return step
