"""How large a reproduction is: a check of the machinery, an evening of a laptop, or the paper's own size."""

from dataclasses import dataclass
from typing import Literal

from sneakynet.models.blocks import Norm
from sneakynet.models.crop_skip import Variant
from sneakynet.training.schedule import Schedule

ScaleName = Literal["smoke", "small", "full"]

Row = tuple[Variant, int, tuple[int, ...]]
"""Variant, patch size, contexts."""


@dataclass(frozen=True)
class Recipe:
    """How networks are trained where the paper is silent or a scale departs from it; the rest is the paper's.

    Args:
        norm: after each convolution; the paper's text says nothing of it.
        balanced: share of patches centred on a bone drawn evenly; nor of this.
        background_weight: of background in the cross-entropy; the paper's sum is unweighted.
        learning_rate: of Adam, at its highest; the paper's is 0.001.
        schedule: of the rate; the paper's is constant.
        warmup_steps: over which the rate rises.
    """

    norm: Norm = "instance"
    balanced: float = 0.0
    background_weight: float = 1.0
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    warmup_steps: int = 0


@dataclass(frozen=True)
class Scale:
    """What a scale fixes; the rest is the paper's at every scale.

    Args:
        cases: phantoms.
        spacing: of the scans, mm.
        rows: the networks.
        width: of the plain U-Net; the others get as many parameters.
        slim_width: of the plain U-Net on patches of 128 voxels.
        levels: of every network.
        iterations: steps of every network.
        batch_size: by patch size.
        recipe: of every network.
    """

    cases: int
    spacing: float
    rows: tuple[Row, ...]
    width: int
    slim_width: int
    levels: int
    iterations: int
    batch_size: dict[int, int]
    recipe: Recipe


def _contexts_of(edge: int) -> tuple[Row, ...]:
    """Four networks with one context, and the last with two and three."""
    return (
        ("A", edge, ()),
        ("B", edge, (1,)),
        ("C", edge, (1,)),
        ("D", edge, (1,)),
        ("D", edge, (1, 2)),
        ("D", edge, (1, 2, 3)),
    )


# Evenly over the scan and unweighted, thousands of steps pass before background loses its first vote. On one fold,
# D_16_32_64 found 42 % of the bones after 3000 steps with this, and 31 % with the paper's constant rate.
_QUICK = Recipe(
    norm="batch", balanced=1.0, background_weight=0.25, learning_rate=4e-3, schedule="cosine", warmup_steps=100
)

SCALES: dict[ScaleName, Scale] = {
    "smoke": Scale(
        cases=10,
        spacing=8.0,
        rows=_contexts_of(16)[:5],
        width=7,
        slim_width=4,
        levels=4,
        iterations=20,
        batch_size={16: 2},
        recipe=_QUICK,
    ),
    # Patches of 16 voxels of 8 mm see as much of the body as the paper's of 64 voxels of 2 mm, and one core learns from
    # eight or more of them in the time of one of 32 voxels of 4 mm: there an evening would not do for the first bones.
    "small": Scale(
        cases=16,
        spacing=8.0,
        rows=_contexts_of(16),
        width=14,  # here all come within 6 % of each other
        slim_width=8,
        levels=4,
        iterations=3000,
        batch_size={16: 4},
        recipe=_QUICK,
    ),
    "full": Scale(
        cases=16,
        spacing=2.0,
        rows=(*_contexts_of(32), *_contexts_of(64)[:5], ("A", 128, ())),
        width=16,
        slim_width=8,
        levels=5,
        iterations=100_000,
        batch_size={32: 8, 64: 2, 128: 1},
        recipe=Recipe(),
    ),
}
