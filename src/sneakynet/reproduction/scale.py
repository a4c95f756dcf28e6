"""How large a reproduction is: a check of the machinery, an evening of a laptop, or the paper's own size."""

from dataclasses import dataclass
from typing import Literal

from sneakynet.models.crop_skip import Variant

ScaleName = Literal["smoke", "small", "full"]

Row = tuple[Variant, int, tuple[int, ...]]
"""Variant, patch size, contexts."""


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
    """

    cases: int
    spacing: float
    rows: tuple[Row, ...]
    width: int
    slim_width: int
    levels: int
    iterations: int
    batch_size: dict[int, int]


_SMALL: tuple[Row, ...] = (
    ("A", 32, ()),
    ("B", 32, (1,)),
    ("C", 32, (1,)),
    ("D", 32, (1,)),
    ("D", 32, (1, 2)),
    ("D", 32, (1, 2, 3)),
)

SCALES: dict[ScaleName, Scale] = {
    "smoke": Scale(
        cases=10,
        spacing=12.0,
        rows=(("A", 16, ()), ("B", 16, (1,)), ("C", 16, (1,)), ("D", 16, (1,)), ("D", 16, (1, 2))),
        width=8,
        slim_width=4,
        levels=4,
        iterations=30,
        batch_size={16: 2},
    ),
    "small": Scale(
        cases=16,
        spacing=4.0,
        rows=_SMALL,
        width=16,
        slim_width=8,
        levels=5,
        iterations=1000,
        batch_size={32: 1},
    ),
    "full": Scale(
        cases=16,
        spacing=2.0,
        rows=(
            *_SMALL,
            ("A", 64, ()),
            ("B", 64, (1,)),
            ("C", 64, (1,)),
            ("D", 64, (1,)),
            ("D", 64, (1, 2)),
            ("A", 128, ()),
        ),
        width=16,
        slim_width=8,
        levels=5,
        iterations=100_000,
        batch_size={32: 8, 64: 2, 128: 1},
    ),
}
