"""Where ribs meet the column."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from scipy.ndimage import distance_transform_edt, find_objects

from sneakynet.geometry.components import Components
from sneakynet.inference.order.column import STATION_MM, Column
from sneakynet.inference.order.sequence import RibHead

_REACH_MM = 6.0
"""From a rib to the vertebra that it meets: cartilage, and a voxel of background."""

_SPECK_MM3 = 1000.0
"""What is smaller is no rib. A whole one has 5000 and more."""

_APART_MM = 9.0
"""Heads of one side are farther from each other."""

_BELOW_MM = 45.0
"""A column that goes on for so long below a rib bore another if there was one."""


@dataclass(frozen=True)
class MetRib:
    """A component of a rib that meets the column.

    Args:
        component: its number.
        side: ``left`` or ``right``, as it is called.
        head: where.
    """

    component: int
    side: str
    head: RibHead


def find_rib_heads(
    components: Components,
    vertebrae: Bool[np.ndarray, "i j k"],
    column: Column,
    *,
    spacing: tuple[float, float, float],
    ribs: Mapping[int, tuple[str, int]],
) -> list[MetRib]:
    """Find all ribs that meet the column.

    Args:
        components: of the whole label map, axes in RAS+ order.
        vertebrae: of the same map.
        column: its column.
        spacing: mm.
        ribs: label -> side and index.

    Returns:
        One for each place, from the top; of several the largest.
    """
    near = _near(vertebrae, spacing)
    speck = _SPECK_MM3 / float(np.prod(spacing))
    met: list[MetRib] = []
    for number in sorted(range(len(components)), key=lambda n: -int(components.voxels[n])):
        label = int(components.label[number])
        if label not in ribs or components.voxels[number] < speck:
            continue
        touching = components.mask(number) & near[components.box(number)]
        if np.count_nonzero(touching) < 2:
            continue
        middle = (np.argwhere(touching).mean(0) + components.low[number]) * spacing
        station = int(column.locate(middle[None])[0][0])
        side, index = ribs[label]
        apart = (abs(station - other.head.station) * STATION_MM for other in met if other.side == side)
        if all(mm > _APART_MM for mm in apart):
            met.append(MetRib(number, side, RibHead(station, index)))
    lowest = {side: max(m.head.station for m in met if m.side == side) for side in {m.side for m in met}}
    end = len(column.fill) - 1
    return sorted(
        (
            MetRib(
                m.component,
                m.side,
                RibHead(
                    m.head.station,
                    m.head.index,
                    last=m.head.station == lowest[m.side] and (end - m.head.station) * STATION_MM > _BELOW_MM,
                ),
            )
            for m in met
        ),
        key=lambda m: m.head.station,
    )


def _near(vertebrae: Bool[np.ndarray, "i j k"], spacing: tuple[float, float, float]) -> Bool[np.ndarray, "i j k"]:
    """Voxels within reach of a vertebra."""
    near: np.ndarray = np.zeros_like(vertebrae)
    boxes = find_objects(vertebrae.astype(np.uint8))
    for box in boxes:
        wide = tuple(
            slice(max(0, one.start - int(_REACH_MM / mm) - 1), one.stop + int(_REACH_MM / mm) + 1)
            for one, mm in zip(box, spacing, strict=True)
        )
        near[wide] = distance_transform_edt(~vertebrae[wide], sampling=spacing) <= _REACH_MM
    return near
