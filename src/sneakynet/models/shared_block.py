"""Maps of a context block cut for each of the targets that it serves."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sneakynet.geometry.context_block import Place

_Box = tuple[slice, ...]


def cut_places(
    features: Float[Tensor, "block channel i j k"],
    places: Sequence[Place],
    *,
    level: int,
    edges: Sequence[int],
    margin: int = 0,
) -> Float[Tensor, "target channel i2 j2 k2"]:
    """What a map of a context shows of each target.

    Args:
        features: maps of the context's level ``level``, of a batch of blocks.
        places: of the targets.
        level: cells of the map are ``2**level`` cells of the context wide.
        edges: cells that a target is wide in the map.
        margin: cells around it that are cut along with it.
    """
    boxes: list[_Box] = []
    for block, first in places:
        starts = [cell // 2**level - margin for cell in first]
        around = (slice(start, start + edge + 2 * margin) for start, edge in zip(starts, edges, strict=True))
        boxes.append((slice(block, block + 1), slice(None), *around))
    cut: Tensor = _Cut.apply(features, boxes)  # type: ignore[no-untyped-call]
    return cut


class _Cut(torch.autograd.Function):
    """Slices side by side. The gradient of each by itself would fill a map of zeros as large as the block."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, boxes: list[_Box]) -> Tensor:
        ctx.boxes, ctx.shape, ctx.strides = boxes, features.shape, features.stride()
        return torch.cat([features[box] for box in boxes])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        # In the layout of the map: on a GPU the channels lie side by side.
        whole = grad.new_empty_strided(ctx.shape, ctx.strides).zero_()
        for box, part in zip(ctx.boxes, torch.split(grad, 1), strict=True):
            whole[box] += part
        return whole, None
