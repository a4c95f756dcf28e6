"""The learning rate at each step."""

import math
from typing import Literal

Schedule = Literal["constant", "cosine"]
"""What follows the warm-up: the rate stays, or falls along a cosine over all steps."""

FLOOR = 0.01
"""The cosine ends at this share of the learning rate."""


def learning_rate(
    step: int, *, peak: float, kind: Schedule, steps: int, warmup_steps: int, first_step: int = 0
) -> float:
    """The learning rate for a step.

    Args:
        step: from 0.
        peak: after the warm-up.
        kind: what follows the warm-up.
        steps: of the whole run, where the cosine ends.
        warmup_steps: over which it rises linearly.
        first_step: at which this part of the run began: it rises once more, to what it would have been.
    """
    risen = min(1.0, (step - first_step + 1) / (warmup_steps + 1))
    if kind == "constant":
        return peak * risen
    done = min(1.0, max(0, step - warmup_steps) / max(1, steps - warmup_steps))
    return peak * risen * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * done)) / 2)
