"""Settings under a name."""

from sneakynet.training.settings import TrainSettings

PAPER = TrainSettings(
    variant="D",
    contexts=(1,),
    patch_size=64,
    steps=100_000,
    learning_rate=1e-3,
    schedule="constant",
    warmup_steps=0,
    dice="all",
    balanced=0.0,
    ignore_padding=False,
    augment=False,
)
"""The paper's best network and its recipe, as far as they are published: batch size, normalisation and HU window are
not."""

DEFAULT = TrainSettings(
    variant="E",
    contexts=(1, 2),
    levels=4,
    norm="batch",
    hook_source="decoder",
    context_labels="bone",
    batch_size=8,
    learning_rate=2e-3,
    balanced=0.8,
    background_weight=0.25,
    ema=0.998,
)
"""What measured best here: the network and the recipe of the packaged weights."""

PRESETS = {"default": DEFAULT, "paper": PAPER}
"""Name -> settings."""
