"""That cost grows linearly in voxels: four scans, each some three times as large as the one before."""

from inference.row import Row
from inference.runner import Workshop
from inference.trial import Trial

_OVERLAP, _SPACING = 0.25, 3.0

_SHAPES = ((96, 96, 96), (144, 144, 144), (192, 192, 240), (240, 240, 384))
"""Multiples of 48 voxels, the step of the tiles: tiles per voxel are the same for all."""


def rows(workshop: Workshop) -> list[Row]:
    """The default network in bf16."""
    return workshop.run(
        [
            Trial(
                part="linear",
                method="sneakynet",
                precision="bf16",
                contexts=2,
                shape=shape,
                spacing=_SPACING,
                overlap=_OVERLAP,
                device=workshop.device,
            )
            for shape in (_SHAPES[:2] if workshop.quick else _SHAPES)
        ]
    )
