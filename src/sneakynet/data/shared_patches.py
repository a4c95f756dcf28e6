"""Random targets of one case around one block of each context: drawn first, applied after.

Neighbouring targets see much the same surroundings. Where one pass of the contexts serves several of them, a target
costs little more than a plain U-Net's patch. All that is random beside their positions (side, extent, intensity,
deformation) is drawn once for the block and all its targets: they are views of one transformed space.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from sneakynet.data.case import Case
from sneakynet.data.draw import Draw
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.sampling import Augmentation, Patches, draw_patch
from sneakynet.data.views import Looks, View
from sneakynet.geometry.context_block import Block, Index, Place, block_around, target_step


@dataclass(frozen=True)
class Sharing:
    """How targets share contexts.

    Args:
        targets: that a block serves.
        region: edge, in patch sizes, of the cube that they lie in.
        levels: of the networks.
    """

    targets: int
    region: int
    levels: int


@dataclass(frozen=True)
class SharedDraw:
    """Everything random about some targets and their common block.

    Args:
        draw: of the first target; the others and the block share all of it but its position.
        origins: first voxels of all targets.
    """

    draw: Draw
    origins: tuple[Index, ...]


def draw_shared_batch(
    cases: Sequence[Case],
    geometry: PatchGeometry,
    sharing: Sharing,
    *,
    key: Sequence[int],
    blocks: int,
    balanced: float,
    augmentation: Augmentation,
) -> tuple[SharedDraw, ...]:
    """The draws of one step; ``key`` (for instance seed and step) decides them completely.

    The first target of each block is drawn as a patch by itself is, the others around voxels of the region that are
    chosen alike: with probability ``balanced`` of a bone drawn uniformly from those in it, else anywhere.
    """
    rng = np.random.default_rng(list(key))
    drawn = []
    for _ in range(blocks):
        draw = draw_patch(cases, geometry, rng, balanced=balanced, augmentation=augmentation)
        drawn.append(SharedDraw(draw, _origins(cases[draw.case], draw, geometry, sharing, rng, balanced=balanced)))
    return tuple(drawn)


def _origins(
    case: Case, draw: Draw, geometry: PatchGeometry, sharing: Sharing, rng: np.random.Generator, *, balanced: float
) -> tuple[Index, ...]:
    size, step = geometry.patch_size, target_step(sharing.levels)
    first, (low, high) = np.array(draw.origin), np.array(draw.inside).T
    centre, span = np.clip(first + size // 2, low, high - 1), (sharing.region - 1) * size
    # The centres' part of the region lies anywhere around the first target's, but within the scan where it can.
    start = np.maximum(np.minimum(centre - rng.integers(0, span + 1, size=3), high - 1 - span), low)
    stop = np.minimum(start + span + 1, high)
    bones = _bones_within(case, start, stop)
    back = np.eye(3) if draw.warp is None else np.linalg.inv(np.array(draw.warp.matrix))
    origins = [first]
    while len(origins) < sharing.targets:
        if rng.random() < balanced and bones:
            voxels = bones[int(rng.integers(len(bones)))]
            chosen = voxels[int(rng.integers(len(voxels)))].astype(np.int64)
        else:
            chosen = rng.integers(start, stop)
        # Deformed about the first target's middle, what lies there is seen elsewhere.
        away = np.clip(np.rint(back @ (chosen - centre)), start - centre, stop - 1 - centre).astype(np.int64)
        origins.append(first + (away + rng.integers(0, step, size=3)) // step * step)
    return tuple((int(i), int(j), int(k)) for i, j, k in origins)


def _bones_within(case: Case, start: np.ndarray, stop: np.ndarray) -> list[Integer[np.ndarray, "voxel 3"]]:
    """Voxels of each bone that lie in a box."""
    found = (case.centres[bone] for bone in sorted(case.centres))
    within = (voxels[((voxels >= start) & (voxels < stop)).all(1)] for voxels in found)
    return [voxels for voxels in within if len(voxels)]


def make_shared_batch(
    cases: Sequence[Case], draws: Sequence[SharedDraw], geometry: PatchGeometry, sharing: Sharing, looks: Looks
) -> Patches:
    """Cut the targets and blocks of draws out of their cases, on the device on which the cases lie.

    Args:
        cases: that the draws name by index.
        draws: what to cut.
        geometry: of the patches.
        sharing: as they were drawn.
        looks: how they become inputs and labels.
    """
    blocks = {kappa: _common([_block(each, geometry, sharing, kappa) for each in draws]) for kappa in geometry.contexts}
    widest = [
        _widest(each, geometry.patch_size, {kappa: blocks[kappa][n] for kappa in blocks})
        for n, each in enumerate(draws)
    ]
    targets = [
        View(each.draw, origin, edge) for each, edge in zip(draws, widest, strict=True) for origin in each.origins
    ]
    seen = [looks.at(cases, targets, 0, (geometry.patch_size,) * 3)]
    for kappa, of in blocks.items():
        views = [View(each.draw, block.origin, edge) for each, block, edge in zip(draws, of, widest, strict=True)]
        seen.append(looks.at(cases, views, kappa, of[0].shape))
    return Patches(
        images=tuple(image for image, _ in seen),
        labels=tuple(label for _, label in seen),
        places=tuple(
            tuple(
                _place(n, origin, block, kappa, geometry.patch_size, mirror=each.draw.mirror)
                for n, (each, block) in enumerate(zip(draws, of, strict=True))
                for origin in each.origins
            )
            for kappa, of in blocks.items()
        ),
    )


def _block(drawn: SharedDraw, geometry: PatchGeometry, sharing: Sharing, kappa: int) -> Block:
    return block_around(
        drawn.origins,
        patch_size=geometry.patch_size,
        kappa=kappa,
        levels=sharing.levels,
        inside=drawn.draw.inside,
    )


def _common(blocks: Sequence[Block]) -> list[Block]:
    """The blocks, each grown at its end to the largest shape."""
    i, j, k = (max(block.shape[axis] for block in blocks) for axis in range(3))
    return [Block(block.origin, (i, j, k)) for block in blocks]


def _widest(drawn: SharedDraw, patch_size: int, blocks: dict[int, Block]) -> int:
    """Edge, in voxels, of a cube around the first target's middle that holds everything."""
    reach = 0
    for axis in range(3):
        twice = 2 * drawn.draw.origin[axis] + patch_size
        ends = [end for origin in drawn.origins for end in (origin[axis], origin[axis] + patch_size)]
        for kappa, block in blocks.items():
            ends += [cell * 2**kappa for cell in (block.origin[axis], block.origin[axis] + block.shape[axis])]
        reach = max(reach, *(abs(2 * end - twice) for end in ends))
    return reach


def _place(number: int, origin: Index, block: Block, kappa: int, patch_size: int, *, mirror: bool) -> Place:
    i, j, k = (first // 2**kappa - start for first, start in zip(origin, block.origin, strict=True))
    if mirror:
        i = block.shape[0] - i - patch_size // 2**kappa
    return Place(number, (i, j, k))
