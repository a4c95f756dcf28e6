"""New names for the voxels of vertebrae, after a reading of their column."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64, Integer

from sneakynet.geometry.components import Components
from sneakynet.inference.order.column import Column
from sneakynet.inference.order.vertebra import Vertebra

_OTHER = 0.25
"""The share of a vertebra's stations' voxels from which on a component of another's reaches into it, rather than lies
beside it or a slice over the border."""

_ASIDE_MM = 60.0
"""Farther from the line there is no vertebra: what bears the name of one there is no part of the column."""


def rename_vertebrae(
    components: Components,
    column: Column,
    vertebrae: Sequence[Vertebra],
    *,
    spacing: tuple[float, float, float],
    states: Int64[np.ndarray, " state"],
    renamed: Integer[np.ndarray, "i j k"],
) -> None:
    """Rename whole components, and parts of those that reach over several vertebrae.

    A component belongs to the vertebra that the network's name means where it lies, the slip taken into account: a
    spinous process hangs down beside the next vertebra and is not named after that.

    Args:
        components: of the label map, axes in RAS+ order.
        column: its column.
        vertebrae: from the top.
        spacing: mm.
        states: labels of the vertebrae from the top, and last the sacrum's.
        renamed: the new label map, written to.
    """
    place = {int(label): n for n, label in enumerate(states[:-1])}
    at = np.zeros(len(column.fill), dtype=np.int64)
    for n, vertebra in enumerate(vertebrae):
        at[vertebra.start : vertebra.stop] = n
    whole = np.array([column.named[v.start : v.stop].sum() for v in vertebrae]) / float(np.prod(spacing))
    told = np.array([v.sure or not v.changed for v in vertebrae])
    for number in np.flatnonzero(np.isin(components.label, states[:-1])):
        said = place[int(components.label[number])]
        mask = components.mask(int(number))
        index = np.argwhere(mask) + components.low[number]
        station, distance, _ = column.locate(index * spacing)
        if np.median(distance) > _ASIDE_MM:
            continue
        of = at[station]
        voxels = np.bincount(of, minlength=len(vertebrae))
        meant = [n for n, v in enumerate(vertebrae) if said in v.said]
        if meant:
            home = min(meant, key=lambda n: (-int(voxels[n]), abs(n - int(np.median(of)))))
        else:
            home = int(voxels.argmax())
        becomes = np.full(len(index), home)
        for other in np.flatnonzero(voxels > _OTHER * np.maximum(whole, 1)).tolist():
            if vertebrae[other].changed or vertebrae[home].changed:
                becomes[of == other] = other
        new = np.array([states[v.state] for v in vertebrae])[becomes]
        new = np.where(told[becomes], new, components.label[number])
        renamed[tuple(index.T)] = new
