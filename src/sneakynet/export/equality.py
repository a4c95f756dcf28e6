"""Whether two engines compute the same: the proof that an exported network is the network that was trained."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sneakynet.inference.engine import Engine
from sneakynet.models.architecture import Architecture
from sneakynet.models.crop_skip import centre_crop
from sneakynet.models.parts import edge_unit
from sneakynet.types import Patch

UNITS = ((2, 3, 5), (6, 4, 3))
"""Edges of volumes that contexts see beside patches, in what pooling divides: the deepest map's, of which no axis has
one voxel only, of which normalisation by its statistics would make nothing."""


@dataclass(frozen=True)
class Comparison:
    """How far two engines are apart.

    Args:
        runs: of parts of the network, by either engine.
        deviation: largest difference between their maps, as a share of the map's largest absolute value. NaN where
            one of them gives values that are not finite.
    """

    runs: int
    deviation: float


@torch.inference_mode()
def compare(engine: Engine, reference: Engine) -> Comparison:
    """Run both on the same inputs: noise and the likeness of a body, several patches at once, several sizes.

    Args:
        engine: in question.
        reference: whose values are right; on the CPU too.
    """
    deviations = [
        _deviation(ours, theirs) for ours, theirs in [*_on_patches(engine, reference), *_on_volumes(engine, reference)]
    ]
    return Comparison(len(deviations), float(torch.stack(deviations).max()))


def _on_patches(engine: Engine, reference: Engine) -> Iterator[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]:
    """What both make of patches as the target network and its contexts read them."""
    architecture = reference.architecture
    edges = (architecture.patch_size,) * 3
    for patches in (noise(1, edges), body(3, edges)):
        crossed: list[Tensor] = []
        for context in range(len(architecture.contexts)):
            maps = reference.context_maps(context, patches)
            yield engine.context_maps(context, patches), maps
            links = (link for link in reference.crop_skips if link.context == context)
            crossed += [centre_crop(map_, kappa=link.kappa) for link, map_ in zip(links, maps, strict=False)]
        yield (engine.target_features(patches, crossed),), (reference.target_features(patches, crossed),)


def _on_volumes(engine: Engine, reference: Engine) -> Iterator[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]:
    """What both make of contexts of other sizes."""
    architecture = reference.architecture
    for context in range(len(architecture.contexts)):
        for edges in volumes(architecture, context):
            volume = body(1, edges)
            yield engine.context_maps(context, volume), reference.context_maps(context, volume)


def volumes(architecture: Architecture, context: int) -> list[tuple[int, int, int]]:
    """Sizes of volumes that a context is tried on."""
    unit = edge_unit(architecture, context)
    return [(unit * i, unit * j, unit * k) for i, j, k in UNITS]


def noise(batch: int, edges: tuple[int, int, int]) -> Patch:
    """Numbers of the normal distribution, the same at every call."""
    return torch.randn(batch, 1, *edges, generator=torch.Generator().manual_seed(0))


def body(batch: int, edges: tuple[int, int, int]) -> Patch:
    """The likeness of a scan, as networks read it: air, soft tissue, a shell of bone, noise."""
    axes = torch.meshgrid(*(torch.linspace(-1, 1, edge) for edge in edges), indexing="ij")
    radius = torch.stack(axes).square().sum(dim=0).sqrt()
    tissue = torch.where(radius < 0.9, -0.45, -1.0)
    scan = torch.where((radius - 0.5).abs() < 0.1, 0.4, tissue)
    return (scan + 0.03 * noise(batch, edges)).clamp(-1, 1)


def _deviation(ours: tuple[Tensor, ...], theirs: tuple[Tensor, ...]) -> Tensor:
    return torch.stack(
        [
            (one.float() - other.float()).abs().max() / other.float().abs().max().clamp(min=1e-12)
            for one, other in zip(ours, theirs, strict=True)
        ]
    ).max()
