"""A spine built of cylinders and bars, in which every border is known."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.spine import spine_levels
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
MM = 3.0
SHAPE = (80, 60)  # along i (to the right) and j (to anterior)
MIDDLE = (40, 35)


class Spine:
    """Labels of vertebrae ``top`` to ``bottom``, and the sacrum after L5.

    Bodies are cylinders of 30 mm with discs of 6 mm between them; behind each hangs a spinous process, down to beside
    the next vertebra; ribs stick out at the level of their heads.
    """

    def __init__(self, top: str, bottom: str, *, discs: bool = True, ribs: bool = True) -> None:
        names = [level.name for level in spine_levels()]
        self.levels = spine_levels()[names.index(f"vertebrae_{top}") : names.index(f"vertebrae_{bottom}") + 1]
        self.sacrum = bottom == "L5"
        heights = [round(level.extent_mm / MM) for level in self.levels]
        self.planes = sum(heights) + 12 * self.sacrum
        voxels = np.zeros((*SHAPE, self.planes), dtype=np.uint8)
        i, j = np.indices(SHAPE)
        disk = (i - MIDDLE[0]) ** 2 + (j - MIDDLE[1]) ** 2 <= 5**2
        self.body: dict[str, range] = {}
        above = self.planes
        for level, height in zip(self.levels, heights, strict=True):
            low = above - height
            body = range(low + discs, above - discs)
            self.body[level.name] = body
            label = TABLE[level.name].id
            voxels[disk, body.start : body.stop] = label
            # The process: from the body backwards, and down.
            voxels[39:42, 22:31, low + 3 : low + 6] = label
            voxels[39:42, 20:23, max(0, low - 2) : low + 6] = label
            if ribs and level.rib is not None:
                head = above - 3
                voxels[46:70, 33:36, head - 2 : head + 1] = TABLE[f"rib_right_{level.rib}"].id
                voxels[10:35, 33:36, head - 2 : head + 1] = TABLE[f"rib_left_{level.rib}"].id
            above = low
        if self.sacrum:
            voxels[28:53, 28:38, 0:11] = TABLE["sacrum"].id
        self.labels = Volume(voxels, np.diag([MM, MM, MM, 1.0]))

    def called(self, renamed: Callable[[str, np.ndarray], np.ndarray | str]) -> Volume:
        """The labels with other names.

        Args:
            renamed: name, plane of each of its voxels -> the name that they get, one for all or one each.
        """
        voxels = self.labels.voxels.copy()
        for label in np.unique(voxels[voxels > 0]):
            index = np.nonzero(self.labels.voxels == label)
            names = renamed(TABLE.by_id(int(label)).name, index[2])
            each = [names] * len(index[0]) if isinstance(names, str) else names
            voxels[index] = [TABLE[name].id for name in each]
        return Volume(voxels, self.labels.affine)

    def slipped(self, at: str, *, until: str | None = None, ribs: bool = True) -> Volume:
        """The names as a network gives them whose count slips by one: from the middle of a vertebra upwards.

        Args:
            at: vertebra.
            until: the uppermost vertebra that bears another's name; all by default.
            ribs: whether theirs slip with the vertebrae.
        """
        order = [level.name for level in spine_levels()]
        place = {name: n for n, name in enumerate(order)}
        first, last = place[f"vertebrae_{at}"], place[f"vertebrae_{until}"] if until else 0
        body = self.body[f"vertebrae_{at}"]

        def renamed(name: str, planes: np.ndarray) -> Sequence[str] | str:
            if name in place and last <= place[name] < first:
                return order[place[name] - 1]
            if place.get(name) == first:
                return np.where(planes > (body.start + body.stop) // 2, order[first - 1], name)
            index = name.rsplit("_", 1)[-1]
            if ribs and name.startswith("rib") and index != "1":
                vertebra = place[f"vertebrae_T{index}"]
                return f"{name[: -len(index)]}{int(index) - 1}" if last <= vertebra < first else name
            return name

        return self.called(renamed)


@pytest.fixture
def spine() -> type[Spine]:
    """See `Spine`."""
    return Spine
