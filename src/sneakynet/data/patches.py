"""Concentric patches: how a target and its contexts lie, and how they are cut out of a pyramid's levels."""

from dataclasses import dataclass

from jaxtyping import Shaped
from torch import Tensor

from sneakynet.data.pyramid import Level
from sneakynet.errors import SettingError
from sneakynet.geometry.fields import context_origin

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
"""First and one-past-last voxel along i, j, k."""


@dataclass(frozen=True)
class PatchGeometry:
    """Edge and scales of concentric patches.

    Args:
        patch_size: edge S of every patch, in its own voxels.
        contexts: exponents n of the context scales ``2**n``.

    Raises:
        SettingError: the cells of a context would not coincide with voxels of the target's grid.
    """

    patch_size: int
    contexts: tuple[int, ...]

    def __post_init__(self) -> None:
        for kappa in self.contexts:
            if self.patch_size % 2 ** (kappa + 1):
                msg = (
                    f"patch size {self.patch_size} does not align with a context at scale {2**kappa}: "
                    f"it must be a multiple of {2 ** (kappa + 1)}; choose another patch size or fewer contexts"
                )
                raise SettingError(msg)

    @property
    def grid(self) -> int:
        """Target origins are multiples of this, so that every context starts on one of its own cells."""
        return int(2 ** max(self.contexts, default=0))

    def context_origin(self, origin: tuple[int, int, int], kappa: int) -> tuple[int, int, int]:
        """First cell of the concentric context ``kappa`` around a target's origin, in cells of that context."""
        i, j, k = (o // 2**kappa for o in context_origin(origin, patch_size=self.patch_size, kappa=kappa))
        return i, j, k


def cut(level: Level, origin: tuple[int, int, int], *, inside: Box, out: Shaped[Tensor, "i j k"]) -> None:
    """Copy a box of a pyramid level; what lies beyond ``inside`` repeats its edge values.

    Args:
        level: one level of a pyramid.
        origin: first cell of the box, possibly outside.
        inside: the cells that exist.
        out: filled with the box, which has its shape; values are converted to its type.
    """
    near, core = [], []
    for first, edge, (low, high) in zip(origin, out.shape, inside, strict=True):
        start = min(max(first, low), high - 1)  # a box that lies wholly outside repeats one layer
        stop = max(start + 1, min(first + edge, high))
        begin = min(max(start - first, 0), edge - 1)
        near.append(slice(start, stop))
        core.append(slice(begin, begin + stop - start))
    out[tuple(core)].copy_(level[tuple(near)])
    # From the last axis on: the largest pieces, whole layers along the first axis, are then copied in one go.
    for axis in (2, 1, 0):
        rows, begin, end = out[tuple(core[:axis])], core[axis].start, core[axis].stop
        if begin > 0:
            rows.narrow(axis, 0, begin).copy_(rows.narrow(axis, begin, 1))
        if end < out.shape[axis]:
            rows.narrow(axis, end, out.shape[axis] - end).copy_(rows.narrow(axis, end - 1, 1))
