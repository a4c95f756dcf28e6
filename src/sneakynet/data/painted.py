"""Training on bodies: every few steps another scan of another body is painted on the device that trains.

A pool of painted cases lies ready on the device; patches are drawn from all of it, and its oldest case is replaced as
training goes on. Which body, which acquisition and when depend on the seed and the step alone, so a resumed run
continues exactly.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Integer

from sneakynet.data.case import Case, class_centres
from sneakynet.data.pyramid import ContextLabels, build_pyramid
from sneakynet.phantom.body import Body
from sneakynet.phantom.image import paint_scan, reconstructed
from sneakynet.phantom.scan import ScanSettings, draw_scan

# Paintings looked ahead, so that bodies which have to be made are there in time.
_AHEAD = 8

# Voxels remembered per class and body as centres of class-balanced patches.
_CENTRES_PER_CLASS = 256


@runtime_checkable
class Bodies(Protocol):
    """Bodies by index, all of one spacing (mm)."""

    spacing: float

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, index: int) -> Body:
        """One of them, always the same for an index."""
        ...

    def prefetch(self, indices: Iterable[int]) -> None:
        """Get ready what will be asked for soon."""
        ...


@dataclass(frozen=True)
class Painting:
    """How bodies become cases.

    Args:
        hu_window: HU are clipped to it.
        contexts: exponents of the contexts' scales.
        context_labels: the vote for the label of a pooled cell.
        n_classes: background included.
        scan: from what acquisitions are drawn.
        pool: painted cases held at a time.
        every: steps after which the oldest of them is replaced.
    """

    hu_window: tuple[float, float]
    contexts: tuple[int, ...]
    context_labels: ContextLabels
    n_classes: int
    scan: ScanSettings
    pool: int = 16
    every: int = 2


class PaintedCases:
    """The pool.

    Args:
        bodies: to paint.
        chosen: indices of the bodies that may be used.
        painting: how.
        key: decides, with the number of a painting, its body and acquisition.
        device: to paint on and keep the cases on.
    """

    def __init__(
        self,
        bodies: Bodies,
        chosen: Sequence[int],
        painting: Painting,
        *,
        key: tuple[int, ...],
        device: torch.device,
    ) -> None:
        self._bodies, self._chosen, self._painting, self._key, self._device = bodies, chosen, painting, key, device
        self._centres: dict[int, dict[int, Integer[np.ndarray, "voxel 3"]]] = {}
        self._cases: dict[int, Case] = {}
        self._number: dict[int, int] = {}

    def at(self, step: int) -> tuple[Case, ...]:
        """The pool as it stands at a training step."""
        size = self._painting.pool
        newest = step // self._painting.every
        self._bodies.prefetch(self._index(newest + size - 1 + ahead) for ahead in range(_AHEAD))
        for slot in range(size):
            # Paintings are numbered on; the pool begins with the first `size` of them.
            number = newest + size - 1 - (newest + size - 1 - slot) % size
            if self._number.get(slot) != number:
                self._cases[slot] = self.paint(number)
                self._number[slot] = number
        return tuple(self._cases[slot] for slot in range(size))

    def paint(self, number: int) -> Case:
        """One painting."""
        rng = np.random.default_rng([*self._key, number, 1])
        index = self._index(number)
        body = self._bodies[index]
        draw = draw_scan(rng, self._painting.scan, age=body.age)
        low, high = self._painting.hu_window
        hu = paint_scan(body, draw, device=self._device).clamp_(low, high)
        labels = torch.from_numpy(body.labels).to(self._device)
        # Nothing is known beyond the circle that the scanner reconstructs.
        shown = reconstructed(body.shape, draw, device=self._device)
        labels = labels.where(shown[:, :, None], torch.iinfo(labels.dtype).max)
        if index not in self._centres:
            self._centres[index] = class_centres(
                body.labels, per_class=_CENTRES_PER_CLASS, rng=np.random.default_rng(index)
            )
        return Case(
            name=f"painting {number}",
            shape=body.shape,
            pyramid=build_pyramid(
                hu,
                labels,
                levels=self._painting.contexts,
                n_classes=self._painting.n_classes,
                context_labels=self._painting.context_labels,
            ),
            centres=self._centres[index],
        )

    def _index(self, number: int) -> int:
        """The body of a painting."""
        return self._chosen[int(np.random.default_rng([*self._key, number, 0]).integers(len(self._chosen)))]
