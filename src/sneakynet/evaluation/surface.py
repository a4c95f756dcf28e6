"""How far the surfaces of two label maps lie apart, bone by bone, by DeepMind's surface-distance."""

import warnings
from dataclasses import dataclass

import numpy as np
import surface_distance
from jaxtyping import Bool
from scipy import ndimage

from sneakynet.anatomy.ignored import ignored
from sneakynet.types import LabelArray

TOLERANCE_MM = 3.0
"""The tolerance in mm at which TotalSegmentator reports the NSD."""


@dataclass(frozen=True)
class SurfaceScore:
    """Surfaces of one bone. Elements of a surface count by their area.

    Args:
        nsd_1voxel: normalised surface Dice: share of both surfaces that lies within one voxel (the largest edge of a
            voxel, mm) of the other; 0 where the prediction lacks the bone.
        nsd_3mm: the same within 3 mm.
        hd95: the larger of the 95th percentiles of the distances from either surface to the other, mm; None where the
            prediction lacks the bone.
        msd: mean distance from either surface to the other, the mean of both ways, mm; None likewise.
    """

    nsd_1voxel: float
    nsd_3mm: float
    hd95: float | None
    msd: float | None


def surface_scores(
    prediction: LabelArray, reference: LabelArray, *, spacing: tuple[float, float, float]
) -> dict[int, SurfaceScore]:
    """Compare the surface of every bone that the reference holds.

    Every bone is looked at within the box that holds it in both maps.

    Args:
        prediction: labels.
        reference: labels on the same grid. Voxels that it ignores belong to neither.
        spacing: mm per voxel along i, j, k.

    Returns:
        Scores by label.
    """
    unknown = ignored(reference.dtype)
    there, found = ndimage.find_objects(reference), ndimage.find_objects(prediction)
    scores = {}
    for label, box in enumerate(there, start=1):
        if box is None or label == unknown:
            continue
        other = found[label - 1] if label <= len(found) else None
        if other is None:
            scores[label] = SurfaceScore(0.0, 0.0, None, None)
            continue
        both = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box, other, strict=True))
        part = reference[both]
        of_prediction = (prediction[both] == label) & (part != unknown)
        scores[label] = surface_score(of_prediction, part == label, spacing=spacing)
    return scores


def surface_score(
    prediction: Bool[np.ndarray, "i j k"],
    reference: Bool[np.ndarray, "i j k"],
    *,
    spacing: tuple[float, float, float],
) -> SurfaceScore:
    """Compare the surfaces of two masks, the reference's not empty."""
    if not prediction.any():
        return SurfaceScore(0.0, 0.0, None, None)
    with warnings.catch_warnings():
        # It takes correlate from a module that SciPy 2 will not have any more.
        warnings.simplefilter("ignore", DeprecationWarning)
        distances = surface_distance.compute_surface_distances(reference, prediction, spacing)
    there_and_back = surface_distance.compute_average_surface_distance(distances)
    return SurfaceScore(
        nsd_1voxel=float(surface_distance.compute_surface_dice_at_tolerance(distances, max(spacing))),
        nsd_3mm=float(surface_distance.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)),
        hd95=float(surface_distance.compute_robust_hausdorff(distances, 95)),
        msd=float(np.mean(there_and_back)),
    )
