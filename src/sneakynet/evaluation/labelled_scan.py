"""A label map with what lies beside it: the scan it was found in, and how sure its labels are."""

from dataclasses import dataclass
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.known_labels import known_labels
from sneakynet.evaluation.pairing import CONFIDENCE, case_name
from sneakynet.evaluation.same_grid import check_grids
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """One case, all on one grid, in canonical order.

    Args:
        case: its name.
        labels: ids of the bone table; what counts nowhere is background.
        scan: Hounsfield units, or None.
        confidence: percent, or None.
    """

    case: str
    labels: Volume
    scan: Volume | None = None
    confidence: Volume | None = None


def read_labelled_scan(
    path: Path, scan: Path | None = None, *, table: BoneTable, labels_table: str | None = None
) -> LabelledScan:
    """Read a label map, the ``CASE.confidence.nii.gz`` that `segment` may have laid beside it, and its scan.

    Args:
        path: the label map.
        scan: the scan, on the same grid; the order of the voxel axes may differ.
        table: the bones.
        labels_table: whose labels the map holds (see `translation_for`).

    Raises:
        VolumeError: a file cannot be read, or the grids differ.
        BoneTableError: labels without a meaning.
        DatasetError: a ``dataset.json`` that cannot be used.
    """
    case = case_name(path)
    read = read_labels(path)
    meaning = translation_for(path, table, source=labels_table)
    translated = Volume(translate(read.voxels, meaning, path=path), read.affine)
    labels = canonical(known_labels(translated, n_classes=table.n_classes))
    beside = path.with_name(f"{case}{CONFIDENCE}.nii.gz")
    percent = canonical(read_labels(beside)) if beside.is_file() and beside != path else None
    if percent is not None:
        remedy = f"take {beside} away, or write it anew with the labels"
        check_grids(labels, percent, case=case, names=("label map", "confidence"), remedy=remedy)
    hu = None if scan is None else canonical(read_volume(scan))
    if hu is not None:
        remedy = "give the scan that the labels were found in, or resample the labels onto it (nearest neighbour)"
        check_grids(labels, hu, case=case, names=("label map", "scan"), remedy=remedy)
    return LabelledScan(case, labels, hu, percent)
