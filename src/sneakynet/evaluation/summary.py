"""All cases in a few figures."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import DatasetError
from sneakynet.evaluation.case import CaseResult
from sneakynet.evaluation.confusion import Kinds, shifted_by
from sneakynet.evaluation.score import ClassScore
from sneakynet.evaluation.spread import spread_of


@dataclass(frozen=True)
class Summary:
    """Figures over (case, bone) pairs whose bone the reference holds, and over cases. The keys of ``summary.json``.

    Args:
        median_dsc: median of the pairs with DSC > 0; None if there are none. With the next three, the paper's figures.
        plus_p84: from the median up to the 84th percentile of the same pairs.
        minus_p16: from the median down to the 16th percentile of the same pairs.
        nonzero_share: share of pairs with DSC > 0 among all.
        cases: scans.
        pairs: (case, bone) pairs.
        bone_dsc: DSC of bone against background, whatever the bone; mean over cases that hold a bone.
        median_dsc_with_zeros: median over all pairs.
        class_mean_dsc: TotalSegmentator's convention: mean over the cases that hold a bone, a miss being 0, then mean
            over bones.
        median_iou: median over all pairs.
        median_nsd_1voxel: median over all pairs; None where surfaces were not compared.
        median_nsd_3mm: likewise.
        median_hd95: median over the pairs whose bone the prediction holds, mm; None likewise.
        median_msd: likewise.
        identification_rate: share of pairs with the right label on more than half of the bone's voxels.
        side_swap_rate: mean over pairs with a mirror partner of the share of voxels given to it; None without any.
        neighbour_shift_rate: mean over pairs with a series of the share given to another index of it; None likewise.
        neighbour_shift_by_step: the same by number of steps.
        far_confusion_rate: mean over pairs of the share given to groups that do not adjoin; None likewise.
        missed_bones: how many, over all cases; this and the next, see `Faults`.
        invented_bones: how many.
        split_bones: how many.
        merged_bones: how many.
        fragments: how many.
        sequence_errors: how many bones lie on the wrong side of the one before them in their series.
    """

    median_dsc: float | None
    plus_p84: float | None
    minus_p16: float | None
    nonzero_share: float
    cases: int
    pairs: int
    bone_dsc: float
    median_dsc_with_zeros: float
    class_mean_dsc: float
    median_iou: float
    median_nsd_1voxel: float | None
    median_nsd_3mm: float | None
    median_hd95: float | None
    median_msd: float | None
    identification_rate: float
    side_swap_rate: float | None
    neighbour_shift_rate: float | None
    neighbour_shift_by_step: dict[str, float]
    far_confusion_rate: float | None
    missed_bones: int
    invented_bones: int
    split_bones: int
    merged_bones: int
    fragments: int
    sequence_errors: int

    def to_json(self) -> str:
        """JSON text, figures to six digits."""
        return json.dumps(_rounded(asdict(self)), indent=2)


def summary_of(results: Sequence[CaseResult], table: BoneTable) -> Summary:
    """The summary over all cases.

    Args:
        results: at least one case.
        table: the bones that were scored.

    Raises:
        DatasetError: no reference holds a bone, so that there is nothing to score.
    """
    scores = [score for result in results for score in result.scores]
    if not scores:
        msg = (
            f"the reference of {results[0].case if len(results) == 1 else f'all {len(results)} cases'} holds no bone "
            "of the bone table; check that prediction and reference are not swapped, and whose labels they hold"
        )
        raise DatasetError(msg)
    dsc = [score.dsc for score in scores]
    spread = spread_of(dsc)
    faults = [result.faults.counted() for result in results]
    return Summary(
        median_dsc=spread.median,
        plus_p84=spread.plus,
        minus_p16=spread.minus,
        nonzero_share=spread.nonzero,
        cases=len(results),
        pairs=len(scores),
        bone_dsc=float(np.nanmean([result.bone_dsc for result in results])),
        median_dsc_with_zeros=float(np.median(dsc)),
        class_mean_dsc=_class_mean(scores),
        median_iou=float(np.median([score.iou for score in scores])),
        median_nsd_1voxel=_median(score.nsd_1voxel for score in scores),
        median_nsd_3mm=_median(score.nsd_3mm for score in scores),
        median_hd95=_median(score.hd95 for score in scores),
        median_msd=_median(score.msd for score in scores),
        identification_rate=sum(score.identified for score in scores) / len(scores),
        side_swap_rate=_mean(score.side_swap for score in scores),
        neighbour_shift_rate=_mean(score.neighbour_shift for score in scores),
        neighbour_shift_by_step=_by_step(results, table),
        far_confusion_rate=_mean(score.far for score in scores),
        missed_bones=sum(each["missed"] for each in faults),
        invented_bones=sum(each["invented"] for each in faults),
        split_bones=sum(each["split"] for each in faults),
        merged_bones=sum(each["merged"] for each in faults),
        fragments=sum(each["fragments"] for each in faults),
        sequence_errors=sum(each["out_of_order"] for each in faults),
    )


def _class_mean(scores: Sequence[ClassScore]) -> float:
    by_bone: dict[int, list[float]] = {}
    for score in scores:
        by_bone.setdefault(score.id, []).append(score.dsc)
    return float(np.mean([np.mean(values) for values in by_bone.values()]))


def _by_step(results: Sequence[CaseResult], table: BoneTable) -> dict[str, float]:
    """Mean over pairs with a series, by number of steps; those that never happen are left out."""
    kinds = Kinds(table)
    shares: dict[int, list[np.ndarray]] = {}
    for result in results:
        for step, share in shifted_by(result.counts, kinds).items():
            shares.setdefault(step, []).append(share[~np.isnan(share)])
    means = {step: np.concatenate(values) for step, values in shares.items()}
    return {str(step): float(values.mean()) for step, values in means.items() if values.any()}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 6) if isinstance(value, float) else value
