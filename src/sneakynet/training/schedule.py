"""The learning rate at each step."""

import math
from typing import Literal

FLOOR = 0.01
"""The cosine ends at this share of the learning rate."""


def learning_rate(
    step: int, *, peak: float, kind: Literal["constant", "cosine"], steps: int, warmup_steps: int
) -> float:
    """The learning rate for a step.

    Args:
        step: from 0.
        peak: after the warm-up.
        kind: what follows the warm-up.
        steps: of the whole run, where the cosine ends.
        warmup_steps: over which it rises linearly.
    """
    if step < warmup_steps:
        return peak * (step + 1) / (warmup_steps + 1)
    if kind == "constant":
        return peak
    done = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
    return peak * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * done)) / 2)
