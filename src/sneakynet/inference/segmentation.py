"""What segmenting a scan gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.inference.order.order import order_names
from sneakynet.inference.order.report import OrderReport
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels


@dataclass(frozen=True, eq=False)
class Segmentation:
    """One label per voxel of a scan.

    Args:
        labels: class ids on the scan's own grid, 0 is background.
        table: the bones behind the ids.
        model: where the labels come from, as plain JSON values.
        work: how they were made (tiles, memory), as plain JSON values.
        confidence: probability of each voxel's label in percent, on the same grid; None where it was not asked for.
        order: which names were put in order; None where they are the network's own.
    """

    labels: Volume
    table: BoneTable
    model: Mapping[str, object] = field(default_factory=dict)
    work: Mapping[str, object] = field(default_factory=dict)
    confidence: Volume | None = None
    order: OrderReport | None = None

    def in_order(self) -> "Segmentation":
        """The same with vertebrae, ribs and sides named in the order that everyone's have, see `order_names`."""
        labels, report = order_names(self.labels, table=self.table)
        return replace(self, labels=labels, order=report)

    @cached_property
    def present(self) -> tuple[Bone, ...]:
        """The bones that have at least one voxel, in the order of their ids."""
        return tuple(self.table.by_id(int(i)) for i in np.unique(self.labels.voxels) if i != 0)

    def save(self, path: str | Path) -> None:
        """Write the label map, with the bones' names and colours.

        Args:
            path: ends in ``.nii``, ``.nii.gz`` or ``.seg.nrrd``, which chooses the format.

        Raises:
            SettingError: the ending is another one.
            OutputError: the file cannot be written.
        """
        names = {bone.id: bone.name for bone in self.table}
        colors = {bone.id: bone.color for bone in self.table}
        write_labels(path, self.labels, names=names, colors=colors)
