"""One case's prediction against its reference."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.bone_statistics import bone_statistics
from sneakynet.evaluation.contingency import Contingency, contingency
from sneakynet.evaluation.faults import Faults, fragments, invented, merged, missed, out_of_order, split
from sneakynet.evaluation.overlap import bone_dice
from sneakynet.evaluation.pairing import Pair
from sneakynet.evaluation.same_grid import check_grids, same_grid
from sneakynet.evaluation.score import ClassScore, class_scores
from sneakynet.evaluation.surface import surface_scores
from sneakynet.evaluation.translation import translate, translation_for
from sneakynet.geometry.resample import resample
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)


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
    check_grids(
        prediction,
        reference,
        case=case,
        remedy="--resample brings the prediction onto the reference's grid (nearest voxel)",
    )
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
    if how.resample and not same_grid(prediction, reference):
        _LOG.warning("case %s: the prediction is resampled onto the reference's grid (nearest voxel)", pair.case)
        voxels = resample(
            prediction.voxels, prediction.affine, to_shape=reference.shape, to_affine=reference.affine, order=0, fill=0
        )
        prediction = Volume(voxels, reference.affine)
    return prediction, reference
