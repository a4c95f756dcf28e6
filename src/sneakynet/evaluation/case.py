"""One case's prediction against its reference."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import VolumeError
from sneakynet.evaluation.contingency import Contingency, contingency
from sneakynet.evaluation.overlap import ClassScore, bone_dice, class_scores
from sneakynet.evaluation.pairing import Pair
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume

# Corners of two grids may lie this much apart, in voxels: headers hold 32-bit numbers.
_GRID_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What one case's comparison gave.

    Args:
        case: the case's name.
        counts: voxels by (reference, prediction).
        scores: one per bone that the reference holds.
        bone_dsc: DSC of bone against background; NaN where neither holds a bone.
    """

    case: str
    counts: Contingency
    scores: tuple[ClassScore, ...]
    bone_dsc: float


def compare(prediction: Volume, reference: Volume, *, table: BoneTable, case: str) -> CaseResult:
    """Compare two label maps of one scan.

    Args:
        prediction: labels of the table.
        reference: labels of the table on the same grid; the order of the voxel axes may differ. Voxels that it ignores
            count nowhere (see `contingency`).
        table: the bones behind the labels.
        case: the case's name.

    Returns:
        Counts and scores.

    Raises:
        VolumeError: the grids differ.
        BoneTableError: a label lies outside the table.
    """
    prediction, reference = canonical(prediction), canonical(reference)
    check_grids(prediction, reference, case=case)
    counts = contingency(reference.voxels, prediction.voxels, n_classes=table.n_classes)
    return CaseResult(case, counts, class_scores(counts, table, case=case), bone_dice(counts))


def compare_files(
    pair: Pair, *, table: BoneTable, prediction_table: str | None = None, reference_table: str | None = None
) -> CaseResult:
    """Read a case's two label maps and compare them.

    Args:
        pair: the files.
        table: the bones to score.
        prediction_table: whose labels the prediction holds (see `translation_for`).
        reference_table: whose labels the reference holds.

    Returns:
        Counts and scores.

    Raises:
        VolumeError: a file cannot be read, or the grids differ.
        BoneTableError: a file holds labels without a meaning.
        DatasetError: a ``dataset.json`` that cannot be used.
    """

    def read(path: Path, source: str | None) -> Volume:
        labels = read_labels(path)
        meaning = translation_for(path, table, source=source)
        return Volume(translate(labels.voxels, meaning, path=path), labels.affine)

    prediction, reference = read(pair.prediction, prediction_table), read(pair.reference, reference_table)
    return compare(prediction, reference, table=table, case=pair.case)


def check_grids(one: Volume, other: Volume, *, case: str, names: tuple[str, str] = ("prediction", "reference")) -> None:
    """Refuse volumes whose voxels do not lie on each other.

    Args:
        one: in canonical order.
        other: in canonical order.
        case: the case's name.
        names: what the message calls them.

    Raises:
        VolumeError: the grids differ.
    """
    remedy = "resample the one onto the grid of the other (nearest neighbour), or predict on the reference's scan"
    if "scan" in names:
        remedy = "give the scan that the labels were found in, or resample the labels onto it (nearest neighbour)"
    if one.shape != other.shape:
        msg = (
            f"case {case}: the {names[0]} has {_shape(one)} voxels and the {names[1]} {_shape(other)} "
            f"(axes in RAS+ order); {remedy}"
        )
        raise VolumeError(msg)
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (*other.shape, 1)
    apart = np.linalg.norm(corners @ (one.affine - other.affine).T, axis=1).max()
    if apart > _GRID_TOLERANCE * min(other.spacing):
        msg = (
            f"case {case}: the grids of {names[0]} and {names[1]} lie up to {apart:.3g} mm apart though both have "
            f"{_shape(other)} voxels (spacing {_mm(one.spacing)} and {_mm(other.spacing)}, origin "
            f"{_mm(one.affine[:3, 3])} and {_mm(other.affine[:3, 3])}); {remedy}"
        )
        raise VolumeError(msg)


def _shape(volume: Volume) -> str:
    return " x ".join(map(str, volume.shape))


def _mm(numbers: tuple[float, float, float] | np.ndarray) -> str:
    return " x ".join(f"{n:.6g}" for n in numbers) + " mm"
