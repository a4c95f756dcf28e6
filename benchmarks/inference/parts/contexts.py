"""What contexts cost on a large scan: 0 to 3 of them on one and the same grid."""

from inference.row import Row
from inference.runner import Workshop
from inference.trial import Trial

SHAPE = (250, 250, 400)
QUICK_SHAPE = (112, 112, 160)
OVERLAP = 0.25
"""The predictor's own: with more, the targets' share grows and contexts look cheaper than they are."""

_SPACING = 3.0


def rows(workshop: Workshop) -> list[Row]:
    """Ours in bf16; all networks read the same 3 mm scan (that without contexts was trained on 6 mm)."""
    shape = QUICK_SHAPE if workshop.quick else SHAPE
    return workshop.run(
        [
            Trial(
                part="contexts",
                method="sneakynet",
                precision="bf16",
                contexts=contexts,
                shape=shape,
                spacing=_SPACING,
                overlap=OVERLAP,
            )
            for contexts in range(4)
        ]
    )
