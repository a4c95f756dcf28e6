"""Cross-entropy + Dice as the peers write it."""

import warnings
from collections.abc import Callable

from torch import Tensor

PeerLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits ``[batch class i j k]`` and labels ``[batch i j k]`` to a loss."""


def peer_losses() -> dict[str, PeerLoss]:
    """MONAI's and nnU-Net's, plain sums over the batch, in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.losses import DiceCELoss
        from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
        from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

    monai = DiceCELoss(to_onehot_y=True, softmax=True, batch=True)
    dice = {"batch_dice": True, "smooth": 1e-5, "do_bg": True, "ddp": False}
    nnunet = DC_and_CE_loss(dice, {}, weight_ce=1, weight_dice=1, dice_class=MemoryEfficientSoftDiceLoss)
    return {
        "MONAI DiceCELoss": lambda logits, labels: monai(logits.float(), labels[:, None]),
        "nnU-Net DC+CE": lambda logits, labels: nnunet(logits.float(), labels[:, None]),
    }
