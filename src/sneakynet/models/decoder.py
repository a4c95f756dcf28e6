"""The expanding path of a U-Net, with room for maps that come from other networks."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sneakynet.models.blocks import ConvBlock


class DecoderStage(nn.Module):
    """From one level to the next finer one: up-convolution, joining, block.

    Args:
        up: doubles the edges of the coarser map.
        block: reads the doubled map, then the joined ones, along the channel axis.
    """

    def __init__(self, up: nn.ConvTranspose3d, block: ConvBlock) -> None:
        super().__init__()
        self.up = up
        self.block = block

    def forward(
        self,
        below: Float[Tensor, "batch channel_in i_below j_below k_below"],
        beside: Sequence[Float[Tensor, "batch _ i j k"]],
    ) -> Float[Tensor, "batch channel_out i j k"]:
        """Join the doubled ``below`` with the maps ``beside`` it (the skip, then the hooks) and convolve."""
        out: Tensor = self.block(torch.cat([self.up(below), *beside], dim=1))
        return out


class Decoder(nn.Module):
    """Every stage from the bottleneck up to level 0.

    Args:
        stages: one per level but the deepest, level 0 (full resolution) first.
    """

    def __init__(self, stages: Iterable[DecoderStage]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, skips: Sequence[Tensor], hooks: Sequence[Sequence[Tensor]] = ()) -> tuple[Tensor, ...]:
        """Decode.

        Args:
            skips: the encoder's maps, level 0 first; the last is the bottleneck's.
            hooks: for every level the maps that enter there, or nothing at all. Those of the deepest level join the
                bottleneck before the first up-convolution, the others their level's skip.

        Returns:
            The map of every level, level 0 first; the deepest is the bottleneck as it came, without hooks.
        """
        hooks = hooks or [()] * len(skips)
        levels = [skips[-1]]
        below = torch.cat([skips[-1], *hooks[-1]], dim=1) if hooks[-1] else skips[-1]
        for level in reversed(range(len(self.stages))):
            below = self.stages[level](below, [skips[level], *hooks[level]])
            levels.append(below)
        return tuple(reversed(levels))
