"""Builders: they choose every number, and put the parts together."""

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from sneakynet.errors import SettingError
from sneakynet.models.architecture import MAX_WIDTH, Architecture
from sneakynet.models.blocks import ConvBlock, Norm
from sneakynet.models.crop_skip import HookSource, Variant
from sneakynet.models.decoder import Decoder, DecoderStage
from sneakynet.models.encoder import Encoder
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.unet import UNet

HEAD_STD = 0.01
"""Spread of a fresh head's weights: small, so that no bone starts ahead of another."""

BACKGROUND_START = 0.95
"""Probability of background that a fresh network answers everywhere. Most of a body is no bone: from even odds over 126
classes, the first hundreds of steps learn nothing but that."""


def build_sneakynet(
    *,
    variant: Variant,
    n_classes: int,
    patch_size: int,
    contexts: tuple[int, ...] = (1,),
    width: int = 16,
    levels: int = 5,
    norm: Norm = "instance",
    hook_source: HookSource = "encoder",
) -> SneakyNet:
    """Build a network with fresh weights (He initialisation, from torch's global random state; background ahead).

    Args:
        variant: A 3D U-Net, B HookNet, C MRN, D SneakyNet, E SneakyNet with the contexts' class scores added.
        n_classes: background included.
        patch_size: edge S of every network's input, in its own voxels.
        contexts: kappa of each context, ascending; a context's voxels are ``2**kappa`` target voxels wide.
            Empty for variant A.
        width: channels of level 0; level l has ``width * 2**l``.
        levels: levels of each network.
        norm: normalisation after each convolution.
        hook_source: whether the context encoder's maps cross to the target, its decoder's, or both.

    Returns:
        The network, in training mode.

    Raises:
        SettingError: a value outside what is allowed, or sizes that would misalign.
    """
    return build_from(
        Architecture(
            variant=variant,
            n_classes=n_classes,
            patch_size=patch_size,
            contexts=contexts,
            width=width,
            levels=levels,
            norm=norm,
            hook_source=hook_source,
        )
    )


def build_from(architecture: Architecture) -> SneakyNet:
    """Build the network of a checked architecture, as :func:`build_sneakynet` does."""
    links = architecture.crop_skips
    hook_channels: Counter[int] = Counter()
    for link in links:
        hook_channels[link.target_level] += architecture.width * 2**link.source_level
    target = _unet(architecture, hook_channels)
    if architecture.variant == "C":
        # Deeper levels would reach neither the target nor a loss.
        networks = [UNet(_encoder(architecture, architecture.levels - k), None, None) for k in architecture.contexts]
    else:
        networks = [_unet(architecture, Counter()) for _ in architecture.contexts]
    model = SneakyNet(target, networks, crop_skips=links, architecture=architecture)
    initialise(model)
    _start_with_background(model)
    return model


def width_for_budget(
    parameters: int,
    *,
    variant: Variant,
    n_classes: int,
    patch_size: int,
    contexts: tuple[int, ...] = (1,),
    levels: int = 5,
    norm: Norm = "instance",
    hook_source: HookSource = "encoder",
) -> int:
    """Find the width whose network has the number of parameters nearest to a budget.

    Args:
        parameters: the budget.
        variant: this and the rest as in :func:`build_sneakynet`.
        n_classes: see there.
        patch_size: see there.
        contexts: see there.
        levels: see there.
        norm: see there.
        hook_source: see there.

    Returns:
        The width; the smaller one where two are equally near.

    Raises:
        SettingError: the budget is not positive or beyond the largest width, or the network cannot be built.
    """
    if parameters < 1:
        msg = f"a parameter budget is a positive number, got {parameters}"
        raise SettingError(msg)
    rest: dict[str, Any] = {
        "variant": variant,
        "n_classes": n_classes,
        "patch_size": patch_size,
        "contexts": contexts,
        "levels": levels,
        "norm": norm,
        "hook_source": hook_source,
    }

    def excess(width: int) -> int:
        return count_parameters(Architecture(width=width, **rest)) - parameters

    low, high = 1, 2
    while excess(high) < 0:
        if high == MAX_WIDTH:
            msg = f"a budget of {parameters} parameters is beyond the largest width, {MAX_WIDTH}"
            raise SettingError(msg)
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return min((low, high), key=lambda width: (abs(excess(width)), width))


def count_parameters(architecture: Architecture) -> int:
    """Count a network's trainable parameters without giving it memory."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_from(architecture).parameters())


def initialise(model: nn.Module) -> None:
    """Give fresh weights: He for convolutions, zero biases, small heads."""
    if any(parameter.is_meta for parameter in model.parameters()):
        return  # nothing is there to be filled, and trying would take torch a second to load its compiler
    for module in model.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.ConvTranspose3d):
            # With stride = kernel every output voxel has one tap per input channel; torch's rule counts otherwise.
            nn.init.normal_(module.weight, std=math.sqrt(2 / module.in_channels))
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    for module in model.modules():
        if isinstance(module, UNet) and module.head is not None:
            nn.init.normal_(module.head.weight, std=HEAD_STD)


def _start_with_background(model: SneakyNet) -> None:
    """Set the biases of background so that every answer starts with it at ``BACKGROUND_START``."""
    architecture = model.architecture
    # softmax(b, 0, 0, ...) gives background p where b = log(p / (1 - p) * number of bones).
    start = math.log(BACKGROUND_START / (1 - BACKGROUND_START) * (architecture.n_classes - 1))
    contexts = model.context_heads()
    # Variant E's target answers with the sum of all heads.
    own = start * (1 - len(contexts)) if architecture.variant == "E" else start
    with torch.no_grad():
        for (_, bias), value in zip((model.own_head(), *contexts), (own, *(start for _ in contexts)), strict=True):
            bias[0] = value


def _unet(architecture: Architecture, hook_channels: Counter[int]) -> UNet:
    width, deepest = architecture.width, architecture.levels - 1
    stages = []
    for level in range(deepest):
        channels = width * 2**level
        below = 2 * channels + (hook_channels[deepest] if level + 1 == deepest else 0)
        up = nn.ConvTranspose3d(below, channels, 2, stride=2)
        block = ConvBlock(2 * channels + hook_channels[level], channels, norm=architecture.norm)
        stages.append(DecoderStage(up, block))
    head = nn.Conv3d(width, architecture.n_classes, 1)
    return UNet(_encoder(architecture, architecture.levels), Decoder(stages), head)


def _encoder(architecture: Architecture, levels: int) -> Encoder:
    channels = [1, *(architecture.width * 2**level for level in range(levels))]
    return Encoder(ConvBlock(before, after, norm=architecture.norm) for before, after in pairwise(channels))
