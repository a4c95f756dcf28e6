"""Names along the spine and the ribs, and of sides, put in order after the network."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Int64, Integer
from scipy.ndimage import distance_transform_edt, find_objects

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.spine import spine_levels
from sneakynet.geometry.components import Box, find_components
from sneakynet.geometry.orientation import canonical_axes, reorient
from sneakynet.inference.order.column import STATION_MM, straighten
from sneakynet.inference.order.report import OrderReport, Renamed
from sneakynet.inference.order.rib_heads import find_rib_heads
from sneakynet.inference.order.rib_names import rename_ribs
from sneakynet.inference.order.rib_stack import rename_stacked_ribs
from sneakynet.inference.order.sides import rename_sides
from sneakynet.inference.order.vertebra import sure_vertebrae
from sneakynet.inference.order.vertebra_names import rename_vertebrae
from sneakynet.volumes.volume import Volume

RIBS = ("rib_left", "rib_right")
"""Series of the bone table."""


def order_names(labels: Volume, *, table: BoneTable) -> tuple[Volume, OrderReport]:
    """Rename vertebrae, ribs and sides that contradict the order which everyone's bones have.

    No voxel becomes bone or background: only names change, of whole components or of parts cut across the column. It is
    worked out on every so many voxels, about `STATION_MM` apart.

    Args:
        labels: class ids on any grid; left as they are.
        table: the bones behind the ids. Nothing is done where it does not name vertebrae, sacrum and ribs as the
            package's does.

    Returns:
        Labels on the same grid, the same object where nothing changes, and what was done.

    Raises:
        BoneTableError: a label is not in the table.
    """
    states = _states(table)
    if states is None:
        return labels, OrderReport()
    axes = canonical_axes(labels.affine)
    full = reorient(labels.voxels, axes)
    spacing = tuple(labels.spacing[axis] for axis in axes.permutation)
    steps = [max(1, round(STATION_MM / mm)) for mm in spacing]
    coarse = np.ascontiguousarray(full[tuple(slice(step // 2, None, step) for step in steps)])
    renamed, report = _order(
        coarse, (spacing[0] * steps[0], spacing[1] * steps[1], spacing[2] * steps[2]), states, table
    )
    changed = np.unique(coarse[renamed != coarse])
    if not len(changed):
        return labels, report
    voxels = labels.voxels.copy(order="K")
    out = reorient(voxels, axes)
    counts: dict[tuple[int, int], int] = {}
    for label, box, mask in _voxels_of(full, coarse, changed, steps):
        new = _carried(coarse, renamed, label, within=(box, mask), steps=steps)
        out[box][mask] = new
        for other, number in zip(*np.unique(new, return_counts=True), strict=True):
            if other != label:
                counts[label, int(other)] = int(number)
    voxel_ml = abs(float(np.linalg.det(labels.affine[:3, :3]))) / 1000
    changes = tuple(
        Renamed(table.by_id(before).name, table.by_id(after).name, round(number * voxel_ml, 4))
        for (before, after), number in sorted(counts.items(), key=lambda item: -item[1])
    )
    return Volume(voxels, labels.affine), replace(report, renamed=changes)


def _states(table: BoneTable) -> Int64[np.ndarray, " state"] | None:
    names = [*(level.name for level in spine_levels()), "sacrum"]
    if any(name not in table for name in names) or not all(any(b.series == s for b in table) for s in RIBS):
        return None
    return np.array([table[name].id for name in names])


def _order(
    labels: Integer[np.ndarray, "i j k"],
    spacing: tuple[float, float, float],
    states: Int64[np.ndarray, " state"],
    table: BoneTable,
) -> tuple[Integer[np.ndarray, "i j k"], OrderReport]:
    """New labels on a coarse grid, and the report but for what was renamed."""
    ribs = {b.id: (b.side or "", b.index or 0) for b in table if b.series in RIBS}
    renamed, report = _order_by_column(labels, spacing, states, table, ribs)
    renamed, doubtful = rename_stacked_ribs(renamed, spacing, ribs)
    return renamed, replace(report, doubtful=(*report.doubtful, *(table.by_id(label).name for label in doubtful)))


def _order_by_column(
    labels: Integer[np.ndarray, "i j k"],
    spacing: tuple[float, float, float],
    states: Int64[np.ndarray, " state"],
    table: BoneTable,
    ribs: Mapping[int, tuple[str, int]],
) -> tuple[Integer[np.ndarray, "i j k"], OrderReport]:
    """What the spine tells: of vertebrae, of the ribs that meet them, of sides."""
    column = straighten(labels, spacing, states)
    if column is None:
        return labels, OrderReport()
    components = find_components(labels)
    met = find_rib_heads(components, np.isin(labels, states[:-1]), column, spacing=spacing, ribs=ribs)
    vertebrae, margins = sure_vertebrae(column, [rib.head for rib in met])
    renamed = labels.copy()
    if any(vertebra.changed and vertebra.sure for vertebra in vertebrae):
        rename_vertebrae(components, column, vertebrae, spacing=spacing, states=states, renamed=renamed)
    single = rename_sides(components, column, spacing=spacing, table=table)
    single |= rename_ribs(components, met, vertebrae, ribs=ribs)
    for number, label in single.items():
        renamed[components.box(number)][components.mask(number)] = label
    names = [table.by_id(int(states[v.state])).name for v in vertebrae]
    return renamed, OrderReport(
        doubtful=tuple(name for name, v in zip(names, vertebrae, strict=True) if v.changed and not v.sure),
        vertebrae=tuple(name for name in names if name != "sacrum" and (renamed == table[name].id).any()),
        margins=tuple(margins),
    )


def _voxels_of(
    labels: Integer[np.ndarray, "i j k"],
    coarse: Integer[np.ndarray, "a b c"],
    wanted: Integer[np.ndarray, " label"],
    steps: list[int],
) -> Iterator[tuple[int, Box, np.ndarray]]:
    """Each label with a box around it and its voxels within. A speck far from all that the coarse grid saw stays."""
    boxes = find_objects(coarse)
    for label in wanted.tolist():
        i, j, k = (
            slice(max(0, (one.start - 2) * step), (one.stop + 2) * step)
            for one, step in zip(boxes[label - 1], steps, strict=True)
        )
        yield label, (i, j, k), labels[i, j, k] == label


def _carried(
    coarse: Integer[np.ndarray, "i j k"],
    renamed: Integer[np.ndarray, "i j k"],
    label: int,
    *,
    within: tuple[Box, np.ndarray],
    steps: list[int],
) -> Integer[np.ndarray, " voxel"]:
    """What voxels of one label become: what the nearest of the coarse grid that bears it becomes.

    Args:
        coarse: every so many voxels of the label map.
        renamed: what they become.
        label: which.
        within: its bounding box in the label map, and its voxels there.
        steps: voxels from one of the coarse grid to the next.
    """
    box, mask = within
    low = [max(0, one.start // step - 1) for one, step in zip(box, steps, strict=True)]
    high = [min(n, one.stop // step + 2) for one, step, n in zip(box, steps, coarse.shape, strict=True)]
    near = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    _, (i, j, k) = distance_transform_edt(coarse[near] != label, sampling=steps, return_indices=True)
    becomes = renamed[near][i, j, k]
    at = [
        np.clip((index + one.start) // step - a, 0, n - 1)
        for index, one, step, a, n in zip(np.nonzero(mask), box, steps, low, becomes.shape, strict=True)
    ]
    new: np.ndarray = becomes[tuple(at)]
    return new
