"""The contracting path of a U-Net."""

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.functional import max_pool3d

from sneakynet.models.blocks import ConvBlock
from sneakynet.types import Patch


class Encoder(nn.Module):
    """One block per level, 2x2x2 maximum pooling between them.

    Args:
        blocks: the blocks, level 0 (full resolution) first.
    """

    def __init__(self, blocks: Iterable[ConvBlock]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, patch: Patch) -> tuple[Tensor, ...]:
        """Encode ``patch``.

        Returns:
            The block output of every level, before pooling: level l has the patch's edges divided by ``2**l``.
        """
        levels: list[Tensor] = []
        below: Tensor = patch
        for block in self.blocks:
            below = block(max_pool3d(below, 2) if levels else below)
            levels.append(below)
        return tuple(levels)
