"""MONAI, nnU-Net and ours on the same network, tiles and overlap; with contexts against our own plain method."""

from inference.row import Row
from inference.runner import Workshop
from inference.trial import TRAINED_SPACING, Trial

OVERLAP = 0.5

SHAPES = ((96, 96, 128),)
QUICK_SHAPES = ((64, 64, 96),)
"""Multiples of half a tile: there all methods have the same tiles."""

LARGER = (192, 192, 256)
"""What MONAI's class volumes leave room for on a GPU of 80 GB. Not for nnU-Net, which would export for minutes."""

_ALONE = (
    ("monai", "f32"),
    ("monai", "bf16"),
    ("nnunet", "f32"),
    ("nnunet_torch", "f32"),
    ("sneakynet", "f32"),
    ("sneakynet", "bf16"),
)
_WITH_CONTEXTS = (
    ("plain", "f32"),
    ("plain", "bf16"),
    ("plain_patches", "f32"),
    ("plain_patches", "bf16"),
    ("sneakynet", "f32"),
    ("sneakynet", "bf16"),
)
_QUICK_ALONE = (("monai", "f32"), ("nnunet", "f32"), ("sneakynet", "f32"), ("sneakynet", "bf16"))
_QUICK_WITH_CONTEXTS = (("plain", "f32"), ("sneakynet", "f32"), ("sneakynet", "bf16"))


_ON_GPU_ALONE = (
    ("monai", "f32"),
    ("monai", "bf16"),
    ("nnunet", "f16"),
    ("nnunet_torch", "f16"),
    ("sneakynet", "f32"),
    ("sneakynet", "bf16"),
    ("sneakynet", "f16"),
)
_ON_GPU_LARGER = (("monai", "f32"), ("monai", "bf16"), ("sneakynet", "f32"), ("sneakynet", "bf16"))
_ON_GPU_WITH_CONTEXTS = (("plain", "f32"), ("sneakynet", "f32"), ("sneakynet", "bf16"), ("sneakynet", "f16"))


def rows(workshop: Workshop) -> list[Row]:
    """Every method on every shape."""
    if workshop.device == "cuda":
        return workshop.run(_on_gpu())
    alone, with_contexts = (_QUICK_ALONE, _QUICK_WITH_CONTEXTS) if workshop.quick else (_ALONE, _WITH_CONTEXTS)
    trials = [
        Trial(
            part="peers",
            method=method,
            precision=precision,
            contexts=contexts,
            shape=shape,
            spacing=TRAINED_SPACING[contexts],
            overlap=OVERLAP,
            reference=(method, precision) in {("monai", "f32"), ("plain", "f32")},
        )
        for shape in (QUICK_SHAPES if workshop.quick else SHAPES)
        for contexts in ((0, 2) if workshop.quick else (0, 1, 2, 3))
        for method, precision in (with_contexts if contexts else alone)
    ]
    return workshop.run(trials)


def _on_gpu() -> list[Trial]:
    return [
        Trial(
            part="peers",
            method=method,
            precision=precision,
            contexts=contexts,
            shape=shape,
            spacing=TRAINED_SPACING[contexts],
            overlap=OVERLAP,
            reference=(method, precision) in {("monai", "f32"), ("plain", "f32")},
            device="cuda",
        )
        for shape, contexts, methods in (
            (SHAPES[0], 0, _ON_GPU_ALONE),
            (LARGER, 0, _ON_GPU_LARGER),
            (SHAPES[0], 3, _ON_GPU_WITH_CONTEXTS),
        )
        for method, precision in methods
    ]
