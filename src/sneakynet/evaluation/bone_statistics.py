"""Every bone of a label map in figures: how much, where, how dense, and whether the scan cuts it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.errors import VolumeError
from sneakynet.evaluation.cut_faces import cut_faces
from sneakynet.evaluation.slabs import slabs
from sneakynet.geometry.affine import to_world
from sneakynet.types import LabelArray, ScanArray
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True)
class BoneStatistics:
    """One bone of one scan.

    Args:
        id: its label.
        name: its name in the bone table.
        voxels: how many voxels of the scan bear the label.
        volume_ml: their volume in millilitres.
        centroid_mm: mean of their centres, world mm, RAS+ (x to the patient's right, y to anterior, z to superior).
        mean_hu: mean of the scan over them, Hounsfield units; None without a scan.
        touches_edge: whether the label reaches a face of the scan, so that the bone may go on beyond it.
    """

    id: int
    name: str
    voxels: int
    volume_ml: float
    centroid_mm: tuple[float, float, float]
    mean_hu: float | None
    touches_edge: bool


def bone_statistics(labels: Volume, scan: Volume | None, *, table: BoneTable) -> tuple[BoneStatistics, ...]:
    """Measure every bone that a label map holds, in one pass over the voxels.

    Args:
        labels: class ids; voxels that count nowhere (``anatomy.ignored``) are no bone.
        scan: Hounsfield units on the same grid; None measures the labels alone.
        table: the bones behind the ids.

    Returns:
        One record per bone that has a voxel, in the order of the ids.

    Raises:
        VolumeError: the two volumes differ in shape.
        BoneTableError: a label is not in the table.
    """
    if scan is not None and labels.shape != scan.shape:
        msg = f"labels of shape {labels.shape} do not lie on a scan of shape {scan.shape}; give those of the same scan"
        raise VolumeError(msg)
    n = max(int(labels.voxels.max()) + 1, table.n_classes)
    voxels = np.zeros(n, dtype=np.int64)
    hu_sum = np.zeros(n)
    index_sum = np.zeros((n, 3))
    for found, ids, hu in _labelled(labels.voxels, None if scan is None else scan.voxels):
        voxels += np.bincount(ids, minlength=n)
        if hu is not None:
            hu_sum += np.bincount(ids, weights=hu, minlength=n)
        for axis, index in enumerate(found):
            index_sum[:, axis] += np.bincount(ids, weights=index, minlength=n)
    unknown = ignored(labels.voxels.dtype)
    if unknown >= table.n_classes and unknown < n:
        voxels[unknown] = 0
    present = np.flatnonzero(voxels)
    centroids = to_world(labels.affine, index_sum[present] / voxels[present, None])
    voxel_ml = abs(float(np.linalg.det(labels.affine[:3, :3]))) / 1000
    cut = cut_faces(labels)
    return tuple(
        BoneStatistics(
            id=int(i),
            name=table.by_id(int(i)).name,
            voxels=int(voxels[i]),
            volume_ml=round(float(voxels[i]) * voxel_ml, 4),
            centroid_mm=(round(float(x), 2), round(float(y), 2), round(float(z), 2)),
            mean_hu=None if scan is None else round(float(hu_sum[i] / voxels[i]), 1),
            touches_edge=int(i) in cut,
        )
        for i, (x, y, z) in zip(present, centroids, strict=True)
    )


def _labelled(
    labels: LabelArray, scan: ScanArray | None
) -> Iterator[tuple[list[np.ndarray], np.ndarray, np.ndarray | None]]:
    """Indices, labels and intensities of all labelled voxels, slab by slab."""
    for slab in slabs(labels):
        part = labels[slab]
        found = list(np.nonzero(part))
        ids, hu = part[tuple(found)], None if scan is None else scan[slab][tuple(found)]
        yield [index + (along.start or 0) for index, along in zip(found, slab, strict=True)], ids, hu
