"""Components on the side of the body that their name denies."""

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.geometry.components import Components
from sneakynet.inference.order.column import Column

GROUPS = ("ribs", "shoulder", "pelvis", "leg")
"""Bones that lie on their own side of the column whatever the pose; arms and hands do not."""

_BEYOND_MM = 15.0
"""Ribs, hips and collar bones may reach a little over the line."""

_ALL = 0.98


def rename_sides(
    components: Components, column: Column, *, spacing: tuple[float, float, float], table: BoneTable
) -> dict[int, int]:
    """Give components that lie on the other side their mirror partner's name.

    Args:
        components: of the label map, axes in RAS+ order.
        column: its column; its line goes straight on beyond its ends.
        spacing: mm.
        table: the bones behind the labels.

    Returns:
        Component -> its new label, where that differs.
    """
    new = {}
    for number, label in enumerate(components.label):
        bone = table.by_id(int(label))
        if bone.mirror is None or bone.group not in GROUPS:
            continue
        index = np.argwhere(components.mask(number)) + components.low[number]
        _, _, right = column.locate(index * spacing)
        beyond = right > _BEYOND_MM if bone.side == "left" else right < -_BEYOND_MM
        if beyond.mean() >= _ALL:
            new[number] = table[bone.mirror].id
    return new
