"""What was found in a scan, in numbers: one record per bone, one JSON file per case."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import VolumeError
from sneakynet.geometry.affine import to_world
from sneakynet.inference.cleanup_report import CleanupReport
from sneakynet.inference.segmentation import Segmentation
from sneakynet.types import LabelArray, ScanArray
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.volume import Volume

FORMAT = "sneakynet statistics"
FORMAT_VERSION = 1

# Voxels looked at together: the indices of 4 million labelled voxels take 100 MB.
_BLOCK = 1 << 22


@dataclass(frozen=True)
class BoneStatistics:
    """One bone of one scan.

    Args:
        id: its label.
        name: its name in the bone table.
        voxels: how many voxels of the scan bear the label.
        volume_ml: their volume in millilitres.
        centroid_mm: mean of their centres, world mm, RAS+ (x to the patient's right, y to anterior, z to superior).
        mean_hu: mean of the scan over them, Hounsfield units.
        touches_edge: whether the label reaches a face of the scan, so that the bone may go on beyond it.
    """

    id: int
    name: str
    voxels: int
    volume_ml: float
    centroid_mm: tuple[float, float, float]
    mean_hu: float
    touches_edge: bool


def bone_statistics(labels: Volume, scan: Volume, *, table: BoneTable) -> tuple[BoneStatistics, ...]:
    """Measure every bone that a label map holds, in one pass over the voxels.

    Args:
        labels: class ids.
        scan: Hounsfield units on the same grid.
        table: the bones behind the ids.

    Returns:
        One record per bone that has a voxel, in the order of the ids.

    Raises:
        VolumeError: the two volumes differ in shape.
        BoneTableError: a label is not in the table.
    """
    if labels.shape != scan.shape:
        msg = f"labels of shape {labels.shape} do not lie on a scan of shape {scan.shape}; give those of the same scan"
        raise VolumeError(msg)
    n = max(int(labels.voxels.max()) + 1, table.n_classes)
    voxels = np.zeros(n, dtype=np.int64)
    hu_sum = np.zeros(n)
    index_sum = np.zeros((n, 3))
    for found, ids, hu in _labelled(labels.voxels, scan.voxels):
        voxels += np.bincount(ids, minlength=n)
        hu_sum += np.bincount(ids, weights=hu, minlength=n)
        for axis, index in enumerate(found):
            index_sum[:, axis] += np.bincount(ids, weights=index, minlength=n)
    present = np.flatnonzero(voxels)
    centroids = to_world(labels.affine, index_sum[present] / voxels[present, None])
    voxel_ml = abs(float(np.linalg.det(labels.affine[:3, :3]))) / 1000
    cut = _on_faces(labels.voxels)
    return tuple(
        BoneStatistics(
            id=int(i),
            name=table.by_id(int(i)).name,
            voxels=int(voxels[i]),
            volume_ml=round(float(voxels[i]) * voxel_ml, 4),
            centroid_mm=(round(float(x), 2), round(float(y), 2), round(float(z), 2)),
            mean_hu=round(float(hu_sum[i] / voxels[i]), 1),
            touches_edge=int(i) in cut,
        )
        for i, (x, y, z) in zip(present, centroids, strict=True)
    )


def case_record(
    segmentation: Segmentation, scan: Volume, *, case: str, cleanup: CleanupReport | None = None
) -> dict[str, object]:
    """Everything that the statistics file of a case says, as plain JSON values.

    Args:
        segmentation: the labels, cleaned up if they were, and the model that gave them.
        scan: the scan they were found in.
        case: the case's name.
        cleanup: what a clean-up has done to the labels; None if there was none.
    """
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "software": f"sneakynet {version('sneakynet')}",
        "case": case,
        "scan": {
            "shape": list(scan.shape),
            "spacing_mm": [round(s, 6) for s in scan.spacing],
            "affine": scan.affine.tolist(),
        },
        "model": dict(segmentation.model),
        "world": "mm, RAS+: x grows to the patient's right, y to anterior, z to superior",
        "cleanup": None if cleanup is None else cleanup.to_dict(),
        "bones": [asdict(bone) for bone in bone_statistics(segmentation.labels, scan, table=segmentation.table)],
    }


def write_record(path: str | Path, record: Mapping[str, object]) -> None:
    """Write a case's record as JSON, whole or not at all.

    Args:
        path: the file.
        record: from `case_record`.

    Raises:
        OutputError: the file cannot be written.
    """
    with write_whole(path) as part:
        part.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _labelled(labels: LabelArray, scan: ScanArray) -> Iterator[tuple[list[np.ndarray], np.ndarray, np.ndarray]]:
    """Indices, labels and intensities of all labelled voxels, block by block along the axis slowest in memory."""
    slow = int(np.argmax(np.abs(labels.strides)))
    planes = max(1, _BLOCK * labels.shape[slow] // labels.size)
    for first in range(0, labels.shape[slow], planes):
        block = tuple(slice(first, first + planes) if axis == slow else slice(None) for axis in range(3))
        found = list(np.nonzero(labels[block]))
        ids, hu = labels[block][tuple(found)], scan[block][tuple(found)]
        found[slow] = found[slow] + first
        yield found, ids, hu


def _on_faces(labels: LabelArray) -> set[int]:
    return {int(i) for axis in range(3) for face in (0, -1) for i in np.unique(labels.take(face, axis=axis))}
