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

PRESETS = {"paper": PAPER}
"""Name -> settings."""
