"""One case's prediction against its reference."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import VolumeError
from sneakynet.evaluation.bone_statistics import bone_statistics
from sneakynet.evaluation.contingency import Contingency, contingency
from sneakynet.evaluation.faults import Faults, fragments, invented, merged, missed, out_of_order, split
from sneakynet.evaluation.overlap import bone_dice
from sneakynet.evaluation.pairing import Pair
from sneakynet.evaluation.score import ClassScore, class_scores
from sneakynet.evaluation.surface import surface_scores
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.geometry.resample import resample
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)

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
        faults: of whole bones.
    """

    case: str
    counts: Contingency
    scores: tuple[ClassScore, ...]
    bone_dsc: float
    faults: Faults = field(default_factory=Faults)


@dataclass(frozen=True)
class Comparison:
    """How cases are compared.

    Args:
        table: the bones to score.
        prediction_table: whose labels predictions hold (see `translation_for`).
        reference_table: whose labels references hold.
        resample: bring a prediction on another grid onto the reference's, by the nearest voxel.
        surface: compare surfaces too.
    """

    table: BoneTable
    prediction_table: str | None = None
    reference_table: str | None = None
    resample: bool = False
    surface: bool = True


def compare(prediction: Volume, reference: Volume, *, table: BoneTable, case: str, surface: bool = True) -> CaseResult:
    """Compare two label maps of one scan.

    Args:
        prediction: labels of the table.
        reference: labels of the table on the same grid; the order of the voxel axes may differ. Voxels that it ignores
            count nowhere (see `contingency`).
        table: the bones behind the labels.
        case: the case's name.
        surface: compare surfaces too, which takes most of the time.

    Returns:
        Counts, scores and faults.

    Raises:
        VolumeError: the grids differ.
        BoneTableError: a label lies outside the table.
    """
    prediction, reference = canonical(prediction), canonical(reference)
    _check_grids(prediction, reference, case=case)
    counts = contingency(reference.voxels, prediction.voxels, n_classes=table.n_classes)
    there, found = (bone_statistics(labels, None, table=table) for labels in (reference, prediction))
    surfaces = surface_scores(prediction.voxels, reference.voxels, spacing=reference.spacing) if surface else None
    cut_off = frozenset(bone.id for bone in there if bone.touches_edge)
    return CaseResult(
        case,
        counts,
        class_scores(counts, table, case=case, surfaces=surfaces, cut_off=cut_off),
        bone_dice(counts),
        Faults(
            missed=missed(counts, table),
            invented=invented(counts, table),
            split=split(counts, table),
            merged=merged(counts, table),
            fragments=fragments(prediction.voxels, reference.voxels, table),
            out_of_order=out_of_order(found, there, table),
        ),
    )


def compare_files(pair: Pair, how: Comparison) -> CaseResult:
    """Read a case's two label maps and compare them.

    Args:
        pair: the files.
        how: whose labels they hold, and what is compared.

    Returns:
        Counts, scores and faults.

    Raises:
        VolumeError: a file cannot be read, or the grids differ.
        BoneTableError: a file holds labels without a meaning.
        DatasetError: a ``dataset.json`` that cannot be used.
    """
    prediction, reference = read_pair(pair, how)
    return compare(prediction, reference, table=how.table, case=pair.case, surface=how.surface)


def read_pair(pair: Pair, how: Comparison) -> tuple[Volume, Volume]:
    """Read a case's two label maps as labels of one table, resampled if that was asked for.

    Args:
        pair: the files.
        how: whose labels they hold.

    Returns:
        Prediction and reference.

    Raises:
        VolumeError: a file cannot be read.
        BoneTableError: a file holds labels without a meaning.
        DatasetError: a ``dataset.json`` that cannot be used.
    """

    def read(path: Path, source: str | None) -> Volume:
        labels = read_labels(path)
        meaning = translation_for(path, how.table, source=source)
        return canonical(Volume(translate(labels.voxels, meaning, path=path), labels.affine))

    prediction, reference = read(pair.prediction, how.prediction_table), read(pair.reference, how.reference_table)
    if how.resample and (prediction.shape != reference.shape or _apart(prediction, reference) > 0):
        _LOG.warning("case %s: the prediction is resampled onto the reference's grid (nearest voxel)", pair.case)
        voxels = resample(
            prediction.voxels, prediction.affine, to_shape=reference.shape, to_affine=reference.affine, order=0, fill=0
        )
        prediction = Volume(voxels, reference.affine)
    return prediction, reference


def _check_grids(prediction: Volume, reference: Volume, *, case: str) -> None:
    """Refuse label maps whose voxels do not lie on each other."""
    remedy = "--resample brings the prediction onto the reference's grid (nearest voxel)"
    if prediction.shape != reference.shape:
        msg = (
            f"case {case}: the prediction has {_shape(prediction)} voxels and the reference {_shape(reference)} "
            f"(axes in RAS+ order); {remedy}"
        )
        raise VolumeError(msg)
    apart = _apart(prediction, reference)
    if apart:
        msg = (
            f"case {case}: the grids of prediction and reference lie up to {apart:.3g} mm apart though both have "
            f"{_shape(reference)} voxels (spacing {_mm(prediction.spacing)} and {_mm(reference.spacing)}, origin "
            f"{_mm(prediction.affine[:3, 3])} and {_mm(reference.affine[:3, 3])}); {remedy}"
        )
        raise VolumeError(msg)


def _apart(prediction: Volume, reference: Volume) -> float:
    """How far the corners of two grids of one shape lie apart at most, mm; 0 within what headers may round."""
    corners = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (*reference.shape, 1)
    apart = float(np.linalg.norm(corners @ (prediction.affine - reference.affine).T, axis=1).max())
    return apart if apart > _GRID_TOLERANCE * min(reference.spacing) else 0.0


def _shape(volume: Volume) -> str:
    return " x ".join(map(str, volume.shape))


def _mm(numbers: tuple[float, float, float] | np.ndarray) -> str:
    return " x ".join(f"{n:.6g}" for n in numbers) + " mm"
