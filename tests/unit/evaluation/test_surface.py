import warnings

import numpy as np
import pytest
import surface_distance

from sneakynet.evaluation.surface import surface_score, surface_scores

SPACING = (1.0, 2.0, 1.5)


def box(low, high, shape=(40, 30, 30)):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return mask


def test_equal_surfaces():
    score = surface_score(box((5, 5, 5), (20, 20, 20)), box((5, 5, 5), (20, 20, 20)), spacing=SPACING)
    assert (score.nsd_1voxel, score.nsd_3mm, score.hd95, score.msd) == (1, 1, 0, 0)


@pytest.mark.parametrize(("shift", "within_3mm"), [(4, 0.5), (7, 0)])
def test_two_plates_that_lie_apart(shift, within_3mm):
    """Of each plate the inner face is ``shift - 1`` mm from the other plate, the outer face ``shift``."""
    shape = (40, 60, 60)
    one, other = box((10, 2, 2), (11, 58, 58), shape), box((10 + shift, 2, 2), (11 + shift, 58, 58), shape)
    score = surface_score(other, one, spacing=(1.0, 1.0, 1.0))
    assert (score.hd95, score.msd) == (shift, pytest.approx(shift - 0.5))
    assert (score.nsd_1voxel, score.nsd_3mm) == (0, pytest.approx(within_3mm))


def test_nothing_predicted():
    score = surface_score(box((0, 0, 0), (0, 0, 0)), box((5, 5, 5), (20, 20, 20)), spacing=SPACING)
    assert (score.nsd_1voxel, score.nsd_3mm, score.hd95, score.msd) == (0, 0, None, None)


def test_boxes_change_nothing():
    """The library run on whole volumes gives the same."""
    rng = np.random.default_rng(0)
    reference = np.zeros((30, 26, 22), dtype=np.uint8)
    reference[4:20, 5:20, 3:9], reference[4:20, 5:20, 11:20] = 1, 3
    prediction = np.roll(reference, (1, 2, -1), (0, 1, 2))
    prediction[rng.random(prediction.shape) < 0.002] = 3  # strays, so that boxes are wide
    found = surface_scores(prediction, reference, spacing=SPACING)
    assert list(found) == [1, 3]
    for label, score in found.items():
        with warnings.catch_warnings(action="ignore"):
            whole = surface_distance.compute_surface_distances(reference == label, prediction == label, SPACING)
        assert score.hd95 == pytest.approx(surface_distance.compute_robust_hausdorff(whole, 95), abs=1e-6)
        assert score.nsd_3mm == pytest.approx(surface_distance.compute_surface_dice_at_tolerance(whole, 3), abs=1e-6)
        assert score.msd == pytest.approx(np.mean(surface_distance.compute_average_surface_distance(whole)), abs=1e-6)


def test_what_the_reference_ignores_belongs_to_neither():
    reference = np.zeros((20, 20, 20), dtype=np.uint8)
    reference[5:15, 5:15, 5:15] = 1
    prediction = reference.copy()
    prediction[15:19, 5:15, 5:15] = 1
    assert surface_scores(prediction, reference, spacing=(1.0,) * 3)[1].nsd_1voxel < 1
    reference[15:, :, :] = 255
    assert surface_scores(prediction, reference, spacing=(1.0,) * 3)[1].nsd_1voxel == 1


def test_a_bone_that_is_not_predicted_and_one_that_the_reference_lacks():
    reference, prediction = np.zeros((6, 6, 6), dtype=np.uint8), np.zeros((6, 6, 6), dtype=np.uint8)
    reference[1:3], prediction[4:] = 1, 2
    scores = surface_scores(prediction, reference, spacing=(1.0,) * 3)
    assert list(scores) == [1]
    assert scores[1].hd95 is None
