"""One bone of one case in figures."""

from collections.abc import Mapping
from dataclasses import dataclass

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.confusion import Kinds, identified, named_as, share
from sneakynet.evaluation.contingency import Contingency
from sneakynet.evaluation.overlap import dice, iou
from sneakynet.evaluation.surface import SurfaceScore

BACKGROUND = "background"


@dataclass(frozen=True)
class ClassScore:
    """One bone of one case. The fields are the columns of ``per_class.csv``.

    Args:
        case: the case's name.
        id: the bone's label in the bone table.
        name: the bone's name.
        group: the bone's group.
        dsc: 2 TP / (2 TP + FP + FN), 0 to 1.
        iou: TP / (TP + FP + FN), 0 to 1.
        nsd_1voxel: see `SurfaceScore`; None where surfaces were not compared.
        nsd_3mm: likewise.
        hd95: likewise, mm.
        msd: likewise, mm.
        voxels_reference: voxels of the bone in the reference, at least 1.
        voxels_prediction: voxels of the bone in the prediction.
        cut_off: whether the bone reaches a face of the scan in the reference, and may go on beyond it.
        identified: whether more than half of its voxels bear its own label.
        named_as: the name that the most of its voxels bear, or ``background``.
        side_swap: share of its voxels given to its mirror partner; None for a bone without one.
        neighbour_shift: share given to another index of its series; None for a bone without one.
        far: share given to bones of other groups; None where all bones are of one group.
    """

    case: str
    id: int
    name: str
    group: str
    dsc: float
    iou: float
    nsd_1voxel: float | None
    nsd_3mm: float | None
    hd95: float | None
    msd: float | None
    voxels_reference: int
    voxels_prediction: int
    cut_off: bool
    identified: bool
    named_as: str
    side_swap: float | None
    neighbour_shift: float | None
    far: float | None


def class_scores(
    counts: Contingency,
    table: BoneTable,
    *,
    case: str,
    surfaces: Mapping[int, SurfaceScore] | None = None,
    cut_off: frozenset[int] = frozenset(),
) -> tuple[ClassScore, ...]:
    """Score every bone that the reference of a case holds.

    A bone that the reference lacks is not scored: a reference may be partial, and then says nothing about it.

    Args:
        counts: of the case.
        table: the bones behind the labels.
        case: the case's name.
        surfaces: by label; None where they were not compared.
        cut_off: labels that reach a face of the scan in the reference.

    Returns:
        Scores in the order of the ids.
    """
    kinds = Kinds(table)
    reference, prediction, dsc, overlap = counts.sum(axis=1), counts.sum(axis=0), dice(counts), iou(counts)
    own, named = identified(counts), named_as(counts)
    swap, shift, far = (share(counts, pairs) for pairs in (kinds.mirrored, kinds.shifted, kinds.far))
    nothing = SurfaceScore(float("nan"), float("nan"), None, None)
    scores = []
    for bone in table:
        n = bone.id
        if not reference[n]:
            continue
        surface = nothing if surfaces is None else surfaces[n]
        scores.append(
            ClassScore(
                case=case,
                id=n,
                name=bone.name,
                group=bone.group,
                dsc=float(dsc[n]),
                iou=float(overlap[n]),
                nsd_1voxel=_known(surface.nsd_1voxel),
                nsd_3mm=_known(surface.nsd_3mm),
                hd95=surface.hd95,
                msd=surface.msd,
                voxels_reference=int(reference[n]),
                voxels_prediction=int(prediction[n]),
                cut_off=n in cut_off,
                identified=bool(own[n]),
                named_as=table.by_id(int(named[n])).name if named[n] else BACKGROUND,
                side_swap=_known(swap[n]),
                neighbour_shift=_known(shift[n]),
                far=_known(far[n]),
            )
        )
    return tuple(scores)


def _known(value: float) -> float | None:
    return None if value != value else float(value)
