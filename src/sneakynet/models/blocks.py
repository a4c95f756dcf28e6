"""The convolution block that every level of every network is made of."""

import math
from typing import Literal

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
            nn.Conv3d(channels_in, channels_out, 3, padding=1, bias=bias),
            make_norm(norm, channels_out),
            nn.ReLU(inplace=True),
            nn.Conv3d(channels_out, channels_out, 3, padding=1, bias=bias),
            make_norm(norm, channels_out),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Float[Tensor, "batch channel_in i j k"]) -> Float[Tensor, "batch channel_out i j k"]:
        """Two convolutions of ``features``."""
        out: Tensor = self.layers(features)
        return out
