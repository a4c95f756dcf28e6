"""One case's prediction against its reference."""

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import VolumeError
from sneakynet.evaluation.case import compare
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "head"), Bone(2, "tail")))
AFFINE = np.array([[2.0, 0, 0, -10], [0, 2, 0, 5], [0, 0, 3, 100], [0, 0, 0, 1]])


@pytest.fixture
def reference():
    voxels = np.zeros((3, 4, 5), dtype=np.uint8)
    voxels[0, :2] = 1
    voxels[2, 0] = 2
    return Volume(voxels, AFFINE)


def test_counts_and_scores(reference):
    voxels = reference.voxels.copy()
    voxels[0, 1] = 0  # half of head is lost
    result = compare(Volume(voxels, AFFINE), reference, table=TABLE, case="k")
    assert result.counts.tolist() == [[45, 0, 0], [5, 5, 0], [0, 0, 5]]
    assert [(score.name, score.dsc) for score in result.scores] == [("head", pytest.approx(2 / 3)), ("tail", 1)]
    assert result.bone_dsc == pytest.approx(20 / 25)


def test_the_order_of_the_voxel_axes_does_not_matter(reference):
    # Turned to PIL as another program may store it: the same voxels at the same places.
    flipped = np.transpose(reference.voxels, (1, 2, 0))[::-1, ::-1, ::-1]
    affine = np.zeros((4, 4))
    affine[:, 3] = AFFINE @ [2, 3, 4, 1]
    affine[:3, :3] = -AFFINE[:3, [1, 2, 0]]
    result = compare(Volume(flipped, affine), reference, table=TABLE, case="k")
    assert [score.dsc for score in result.scores] == [1, 1]


def test_rounding_in_headers_does_not_matter(reference):
    affine = AFFINE + np.float32(1e-4) * np.ones((4, 4)) * [[1], [1], [1], [0]]
    assert compare(Volume(reference.voxels, affine), reference, table=TABLE, case="k").bone_dsc == 1


def test_other_shapes_are_refused(reference):
    with pytest.raises(
        VolumeError,
        match=r"case k: the prediction has 3 x 4 x 4 voxels and the reference 3 x 4 x 5 \(axes in RAS\+ order\); "
        r"--resample brings the prediction onto the reference's grid",
    ):
        compare(Volume(reference.voxels[..., 1:], AFFINE), reference, table=TABLE, case="k")


def test_other_places_are_refused(reference):
    affine = AFFINE.copy()
    affine[2, 3] += 3
    with pytest.raises(
        VolumeError,
        match=r"case k: the grids of prediction and reference lie up to 3 mm apart though both have 3 x 4 x 5 voxels "
        r"\(spacing 2 x 2 x 3 mm and 2 x 2 x 3 mm, origin -10 x 5 x 103 mm and -10 x 5 x 100 mm\); --resample",
    ):
        compare(Volume(reference.voxels, affine), reference, table=TABLE, case="k")


def test_ignored_voxels_cost_and_earn_nothing(reference):
    # Tail is ignored but for one voxel; the prediction finds that one, and calls the others head and tail.
    voxels, found = reference.voxels.copy(), reference.voxels.copy()
    voxels[2, 0, 1:] = 255
    found[2, 0, 1:3] = 1
    result = compare(Volume(found, AFFINE), Volume(voxels, AFFINE), table=TABLE, case="k")
    assert [(s.name, s.dsc, s.voxels_reference, s.voxels_prediction) for s in result.scores] == [
        ("head", 1, 10, 10),
        ("tail", 1, 1, 1),
    ]
    assert result.bone_dsc == 1
    assert result.counts.sum() == 60 - 4


def test_bones_at_a_face_of_the_scan_are_marked(reference):
    voxels = np.zeros((5, 6, 7), dtype=np.uint8)
    voxels[1:3, 1:3, 1:3], voxels[3:, 1:3, 1:3] = 1, 2
    result = compare(Volume(voxels, AFFINE), Volume(voxels, AFFINE), table=TABLE, case="k")
    assert [(score.name, score.cut_off) for score in result.scores] == [("head", False), ("tail", True)]


def test_surfaces_are_in_mm_of_the_scan(reference):
    voxels = np.zeros((10, 12, 14), dtype=np.uint8)
    voxels[3:7, 3:9, 3:9] = 1
    moved = np.roll(voxels, 1, axis=2)  # one voxel of 3 mm
    (score,) = compare(Volume(moved, AFFINE), Volume(voxels, AFFINE), table=TABLE, case="k").scores
    assert score.hd95 == pytest.approx(3)
    assert score.nsd_1voxel == score.nsd_3mm == 1
    (bare,) = compare(Volume(moved, AFFINE), Volume(voxels, AFFINE), table=TABLE, case="k", surface=False).scores
    assert (bare.hd95, bare.nsd_3mm, bare.msd) == (None, None, None)
