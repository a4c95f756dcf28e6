"""One block of a context around several targets: how far it reaches, and where in it each target lies.

A context patch of its own reaches a border beyond its target on every side. The block is the box around the context
patches that all the targets would have had, so that none of them sees less than it would alone, cut where it would
show nothing but the scan's repeated edge.

A target decoder reads a context's map on whole cells of every level (see ``models.crop_skip``). That is so where the
targets lie a multiple of ``2**(levels - 1)`` voxels apart and the block begins on a whole cell of the deepest level
that crosses, counted from any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sneakynet.errors import SettingError

Index = tuple[int, int, int]
"""Along i, j, k; may be negative, beyond the scan."""

BEYOND = 4
"""Cells of a context's repeated edge that a block shows at most, but for what a target needs: farther out there is
nothing to see."""


class Place(NamedTuple):
    """Where a target lies in a batch of context blocks.

    Attributes:
        block: which of them.
        first: the target's first cell in it, in cells of the context.
    """

    block: int
    first: Index


@dataclass(frozen=True)
class Block:
    """A box of cells of a context.

    Args:
        origin: its first cell.
        shape: cells along i, j, k, multiples of ``2**(levels - 1)``.
    """

    origin: Index
    shape: Index


def target_step(levels: int) -> int:
    """Targets that share a block lie a multiple of this many voxels apart."""
    return int(2 ** (levels - 1))


def block_around(
    targets: Sequence[Index], *, patch_size: int, kappa: int, levels: int, inside: Sequence[tuple[int, int]]
) -> Block:
    """The block of a context that serves some targets.

    Args:
        targets: their first voxels, multiples of ``2**kappa`` that lie multiples of :func:`target_step` apart.
        patch_size: edge of the targets, a multiple of ``2**levels``.
        kappa: the context's scale is ``2**kappa``.
        levels: of each network.
        inside: first and one-past-last voxel of the scan that is seen, along i, j, k.

    Raises:
        SettingError: targets that lie askew.
    """
    step, cell = target_step(levels), 2**kappa
    askew = [
        target
        for target in targets
        if any(first % cell or (first - start) % step for first, start in zip(target, targets[0], strict=True))
    ]
    if askew:
        msg = (
            f"targets that share a context at scale {cell} begin on multiples of {cell} and lie multiples of {step} "
            f"voxels apart, got {askew[0]} beside {targets[0]}"
        )
        raise SettingError(msg)
    ends = [
        _stretch([target[axis] // cell for target in targets], patch_size, kappa, levels, (low // cell, high // cell))
        for axis, (low, high) in enumerate(inside)
    ]
    (i, di), (j, dj), (k, dk) = ends
    return Block((i, j, k), (di, dj, dk))


def _stretch(
    firsts: Sequence[int], patch_size: int, kappa: int, levels: int, inside: tuple[int, int]
) -> tuple[int, int]:
    """First cell and length along one axis; ``firsts`` and ``inside`` in cells."""
    border = patch_size * (2**kappa - 1) // 2 ** (kappa + 1)
    first, last = min(firsts), max(firsts) + patch_size // 2**kappa
    # One cell around a target is read when a map is interpolated onto its voxels.
    begin = min(max(first - border, inside[0] - BEYOND), first - 1)
    end = max(min(last + border, inside[1] + BEYOND), last + 1)
    phase, deepest = 2 ** (levels - 1 - kappa), 2 ** (levels - 1)
    begin = first - -(-(first - begin) // phase) * phase
    return begin, -(-(end - begin) // deepest) * deepest
