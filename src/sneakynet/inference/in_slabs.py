"""The finest level of a U-Net computed slab by slab.

A context that runs over a whole scan at once holds seven maps of its finest level at its widest: what is joined, what
comes out, and what the convolution library lays out anew. Slab by slab along i, each with the planes beside it that its
convolutions read, only the skip and the result are whole. The values are the same.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from sneakynet.models.blocks import ConvBlock
from sneakynet.models.decoder import DecoderStage
from sneakynet.models.unet import UNet

SLAB_VOXELS = 2**19
"""Larger maps are computed in slabs of about as many voxels."""

# Planes that the two convolutions of a block read on each side.
_REACH = 2


def in_slabs(network: UNet) -> None:
    """Make a network compute its finest level so, in place; it must be free of layers that look at a map as a whole.

    Args:
        network: in evaluation mode, without instance or group normalisation.
    """
    network.encoder.blocks[0] = _Block(network.encoder.blocks[0])
    if network.decoder is not None:
        network.decoder.stages[0] = _Stage(network.decoder.stages[0])


class _Block(nn.Module):
    """A convolution block."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, ConvBlock)
        self.block = block

    def forward(self, features: Tensor) -> Tensor:
        def planes(begin: int, end: int) -> Tensor:
            out: Tensor = self.block(features[:, :, begin:end])
            return out

        return _joined(planes, length=features.shape[2], voxels=_voxels(features), cell=1)


class _Stage(nn.Module):
    """A stage of a decoder: the doubled map is never whole, nor what is joined."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        assert isinstance(stage, DecoderStage)
        self.stage = stage

    def forward(self, below: Tensor, beside: Sequence[Tensor]) -> Tensor:
        def planes(begin: int, end: int) -> Tensor:
            out: Tensor = self.stage(below[:, :, begin // 2 : end // 2], [each[:, :, begin:end] for each in beside])
            return out

        return _joined(planes, length=2 * below.shape[2], voxels=8 * _voxels(below), cell=2)


def _joined(planes: Callable[[int, int], Tensor], *, length: int, voxels: int, cell: int) -> Tensor:
    """All planes of a result.

    Args:
        planes: computes those from one to before another, both multiples of ``cell``.
        length: number of planes.
        voxels: of all.
        cell: planes that belong together.
    """
    if voxels <= SLAB_VOXELS:
        return planes(0, length)
    whole: Tensor | None = None
    for first, last in _slabs(length, voxels=voxels, cell=cell):
        begin, end = max(0, first - _REACH), min(length, last + _REACH)
        part = planes(begin, end)
        if whole is None:
            shape = (*part.shape[:2], length, *part.shape[3:])
            whole = torch.empty(shape, dtype=part.dtype, device=part.device, memory_format=torch.channels_last_3d)
        whole[:, :, first:last] = part[:, :, first - begin : last - begin]
    assert whole is not None
    return whole


def _slabs(length: int, *, voxels: int, cell: int) -> Iterator[tuple[int, int]]:
    step = max(cell, SLAB_VOXELS * length // voxels // cell * cell)
    for first in range(0, length, step):
        yield first, min(first + step, length)


def _voxels(features: Tensor) -> int:
    batch, _, i, j, k = features.shape
    return batch * i * j * k
