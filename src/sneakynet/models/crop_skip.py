"""Crop-skips: the centre of a context's feature map enters the target decoder some levels lower.

A network at scale r (voxels of it are r target voxels wide) has cells r * 2**l wide at its level l. A context map
lies on the target's cells only where both are equally wide: ``r_C * 2**l_C == r_T * 2**l_T``. With r_T = 1 and
r_C = 2**kappa the map of context level l enters at target level l + kappa; the target there sees the centre
``1 / 2**kappa`` of what the context sees, so that much of the map is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Variant = Literal["A", "B", "C", "D", "E"]
"""A 3D U-Net, B HookNet, C MRN, D SneakyNet, E SneakyNet whose target adds the contexts' own class scores."""

HookSource = Literal["encoder", "decoder", "both"]
"""Which of a context's maps cross to the target."""

Source = Literal["encoder", "decoder"]
"""The half of a context network that gives a map."""


@dataclass(frozen=True)
class CropSkip:
    """One crossing.

    Args:
        context: which context, counted from 0.
        kappa: that context's scale is ``2**kappa``.
        source_level: the level of the context that gives the map.
        target_level: the level of the target decoder that it enters.
        source: the half of the context that gives the map.

    Raises:
        ValueError: the cells of the two levels differ in width.
    """

    context: int
    kappa: int
    source_level: int
    target_level: int
    source: Source = "encoder"

    def __post_init__(self) -> None:
        if 2**self.kappa * 2**self.source_level != 2**self.target_level:
            msg = (
                f"a crop-skip joins cells of equal width (r_C * 2**l_C == r_T * 2**l_T): context level "
                f"{self.source_level} at scale {2**self.kappa} does not fit target level {self.target_level}"
            )
            raise ValueError(msg)


def crop_skips(
    variant: Variant, *, levels: int, contexts: Sequence[int], hook_source: HookSource
) -> tuple[CropSkip, ...]:
    """List every crossing of a variant, each context directly to the target.

    Args:
        variant: A has none; B one per context, into the bottleneck; C, D and E one at every level that fits.
        levels: levels of each network.
        contexts: kappa of each context.
        hook_source: which maps cross; with ``both`` a level has two crossings, the encoder's first.

    Returns:
        The crossings, by context and then by level.
    """
    sources: tuple[Source, ...] = ("encoder", "decoder") if hook_source == "both" else (hook_source,)
    return tuple(
        CropSkip(context=context, kappa=kappa, source_level=level, target_level=level + kappa, source=source)
        for context, kappa in enumerate(contexts)
        for level in range(levels - kappa)
        for source in sources
        if variant != "A" and (variant != "B" or level + kappa == levels - 1)
    )


def edge_multiple(*, levels: int, contexts: Sequence[int]) -> int:
    """Tell what the patch size must be a multiple of.

    Pooling to the deepest level halves the patch ``levels - 1`` times. A crop-skip into the bottleneck needs one
    halving more: its centre cube starts half a cell off where the bottleneck's edge is odd.
    """
    return 1 << (levels if contexts else levels - 1)


def centre_crop(
    features: Float[Tensor, "batch channel i j k"], *, kappa: int
) -> Float[Tensor, "batch channel i_crop j_crop k_crop"]:
    """Keep the centre ``1 / 2**kappa`` of every axis.

    Args:
        features: a map whose edges are multiples of ``2**(kappa + 1)``, so that the centre starts on a whole voxel.
        kappa: the context's scale is ``2**kappa``.

    Returns:
        The centre, a view.

    Raises:
        ValueError: an edge is no such multiple.
    """
    return crop_margin(features, [centre_start(edge, kappa=kappa) for edge in features.shape[2:]])


def centre_start(edge: int, *, kappa: int) -> int:
    """First voxel of the centre ``1 / 2**kappa`` of an edge.

    Raises:
        ValueError: the centre does not start on a whole voxel.
    """
    start, rest = divmod(edge * ((1 << kappa) - 1), 2 << kappa)
    if rest:
        msg = (
            f"the centre 1/{2**kappa} of an edge of {edge} does not start on a whole voxel; "
            f"the edge must be a multiple of {2 ** (kappa + 1)}"
        )
        raise ValueError(msg)
    return start


def crop_margin(
    features: Float[Tensor, "batch channel i j k"], margins: Sequence[int]
) -> Float[Tensor, "batch channel i_crop j_crop k_crop"]:
    """Take ``margins[axis]`` voxels away from both ends of every spatial axis."""
    for axis, margin in enumerate(margins, start=2):
        features = features.narrow(axis, margin, features.shape[axis] - 2 * margin)
    return features
