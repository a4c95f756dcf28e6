import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.plausibility.fragments import judge_fragments
from sneakynet.evaluation.plausibility.measured import measure
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@pytest.fixture
def voxels():
    """A bone of 1000 voxels of 2 mm."""
    voxels = np.zeros((40, 40, 40), dtype=np.uint8)
    voxels[4:14, 4:14, 4:14] = 1
    return voxels


def part(voxels):
    return judge_fragments(measure(Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0])), None, table=TABLE))


def test_one_piece_is_fine(voxels):
    assert part(voxels).score == 1


def test_a_piece_far_away(voxels):
    voxels[30:33, 30:33, 30:36] = 1
    (flag,) = part(voxels).flags
    assert flag.score < 0.6
    assert flag.evidence == "skull: 5.1% of it in 1 pieces besides the largest, up to 59 mm away"


def test_a_piece_near_by_is_forgiven_and_half_the_bone_is_not(voxels):
    voxels[16:19, 4:9, 4:9] = 1
    assert part(voxels).score == 1
    voxels[16:26, 4:14, 4:14] = 1
    assert part(voxels).score == pytest.approx(0.2)


def test_specks_say_nothing(voxels):
    voxels[30, 30, 30:33] = 1
    assert part(voxels).score == 1


def test_what_leaves_by_one_face_may_come_back_by_it(voxels):
    voxels[6:10, 6:10, 0:4] = voxels[30:34, 30:34, 0:9] = 1
    assert part(voxels).score == 1


def test_no_bones(voxels):
    assert part(np.zeros_like(voxels)).score is None
