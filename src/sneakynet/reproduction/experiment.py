"""One row of the paper's tables: a network, whatever the fold."""

from dataclasses import dataclass
from functools import cache

from sneakynet.models.architecture import Architecture
from sneakynet.models.builders import count_parameters, width_for_budget
from sneakynet.models.crop_skip import Variant


@dataclass(frozen=True)
class Experiment:
    """A network that is trained and tested on every fold.

    Args:
        variant: as in `Architecture`.
        patch_size: edge of every input, voxels.
        contexts: exponents of the contexts' scales; none for variant A.
        width: channels of the first level.
        batch_size: patches per step.
    """

    variant: Variant
    patch_size: int
    contexts: tuple[int, ...]
    width: int
    batch_size: int

    @property
    def name(self) -> str:
        """Variant and fields of view in target voxels: ``D_32_64_128``."""
        return experiment_name(self.variant, self.patch_size, self.contexts)

    @property
    def baseline(self) -> str:
        """Name of the plain U-Net on the same patches."""
        return experiment_name("A", self.patch_size, ())

    def architecture(self, *, n_classes: int, levels: int) -> Architecture:
        """What is built."""
        return Architecture(
            variant=self.variant,
            n_classes=n_classes,
            patch_size=self.patch_size,
            contexts=self.contexts,
            width=self.width,
            levels=levels,
        )


def experiment_name(variant: str, patch_size: int, contexts: tuple[int, ...]) -> str:
    """See `Experiment.name`."""
    return "_".join([variant, *(str(patch_size * 2**n) for n in (0, *contexts))])


@cache  # each asks for some twenty networks
def matched_width(variant: Variant, contexts: tuple[int, ...], *, base: int, levels: int, n_classes: int) -> int:
    """The width that brings a variant nearest to the parameters of a plain U-Net of width ``base``.

    The count depends on neither the patch size nor the fold.
    """
    edge = 2**levels  # the least that every variant allows
    plain = Architecture(variant="A", n_classes=n_classes, patch_size=edge, contexts=(), width=base, levels=levels)
    if variant == "A":
        return base
    return width_for_budget(
        count_parameters(plain),
        variant=variant,
        n_classes=n_classes,
        patch_size=edge,
        contexts=contexts,
        levels=levels,
    )
