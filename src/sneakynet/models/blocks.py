"""The convolution block that every level of every network is made of."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Norm = Literal["batch", "instance", "group", "none"]
"""Normalisation after each convolution; ``instance`` and ``batch`` are affine."""


def make_norm(norm: Norm, channels: int) -> nn.Module:
    """Make the normalisation layer of one convolution.

    Args:
        norm: its kind. ``group`` takes as many groups, up to 8, as divide the channels evenly.
        channels: channels of the map that it normalises.

    Returns:
        The layer; for ``none`` one that changes nothing.
    """
    match norm:
        case "batch":
            return nn.BatchNorm3d(channels)
        case "instance":
            return nn.InstanceNorm3d(channels, affine=True)
        case "group":
            return nn.GroupNorm(math.gcd(8, channels), channels)
        case "none":
            return nn.Identity()


class Convolution(nn.Conv3d):
    """3x3x3 convolution with padding 1, in training on a CPU in float32 wherever bfloat16 cannot be trusted.

    oneDNN 3.12, which torch 2.13 brings, reads memory that nobody wrote when it takes the gradient of a bfloat16
    convolution's weights on maps that are 2 voxels long along their first axis. Now and then that is NaN.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the result.
        bias: whether a constant is added to each channel.
    """

    def __init__(self, channels_in: int, channels_out: int, *, bias: bool) -> None:
        super().__init__(channels_in, channels_out, 3, padding=1, bias=bias)

    def forward(self, input: Float[Tensor, "batch channel_in i j k"]) -> Float[Tensor, "batch channel_out i j k"]:
        """See the class."""
        lowered = input.device.type == "cpu" and torch.is_autocast_enabled("cpu")
        if lowered and torch.is_grad_enabled() and input.shape[2] == 2:
            with torch.autocast("cpu", enabled=False):
                return super().forward(input.float())
        return super().forward(input)


class ConvBlock(nn.Module):
    """Twice: 3x3x3 convolution with padding 1, normalisation, ReLU. The size does not change.

    The convolutions carry a bias only where no normalisation follows, which would take it away again.

    Args:
        channels_in: channels of the input, joined maps counted together.
        channels_out: channels of both convolutions' results.
        norm: the normalisation.
    """

    def __init__(self, channels_in: int, channels_out: int, *, norm: Norm) -> None:
        super().__init__()
        bias = norm == "none"
        self.layers = nn.Sequential(
            Convolution(channels_in, channels_out, bias=bias),
            make_norm(norm, channels_out),
            nn.ReLU(inplace=True),
            Convolution(channels_out, channels_out, bias=bias),
            make_norm(norm, channels_out),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Float[Tensor, "batch channel_in i j k"]) -> Float[Tensor, "batch channel_out i j k"]:
        """Two convolutions of ``features``."""
        out: Tensor = self.layers(features)
        return out
