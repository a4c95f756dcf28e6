"""What contexts cost on a large scan: 0 to 3 of them on one and the same grid."""

from inference.row import Row
from inference.runner import Workshop
from inference.trial import Trial

SHAPE = (250, 250, 400)
QUICK_SHAPE = (112, 112, 160)

OVERLAPS = {0.5: (0, 1, 2, 3), 0.25: (0, 3)}
"""Overlap of the tiles, and how many contexts: half of the edge as in the part ``peers``, and the predictor's own, with
which targets are half as many and contexts weigh twice as much."""

_SPACING = 3.0


def rows(workshop: Workshop) -> list[Row]:
    """Ours in bf16; all networks read the same 3 mm scan (that without contexts was trained on 6 mm)."""
    return workshop.run(
        [
            Trial(
                part="contexts",
                method="sneakynet",
                precision="bf16",
                contexts=contexts,
                shape=QUICK_SHAPE if workshop.quick else SHAPE,
                spacing=_SPACING,
                overlap=overlap,
                device=workshop.device,
            )
            for overlap, numbers in OVERLAPS.items()
            for contexts in numbers
        ]
    )
