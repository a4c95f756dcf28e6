import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.plausibility.measured import measure
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "one"), Bone(2, "two"), Bone(3, "three")))
AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


@pytest.fixture
def voxels():
    """Two bones that end in the same slice, within the grid, and one that does not."""
    voxels = np.zeros((20, 20, 20), dtype=np.uint8)
    voxels[2:6, 2:6, 2:11] = 1
    voxels[10:14, 10:14, 4:11] = 2
    voxels[4:7, 14:17, 3:8] = 3
    return voxels


@pytest.mark.parametrize("order", ["C", "F"])
def test_bones_are_cut_where_labels_end(voxels, order):
    measured = measure(Volume(np.array(voxels, order=order), AFFINE), None, table=TABLE)
    assert measured.cut == {"one", "two"}
    assert not measured.whole("one")
    assert measured.whole("three")
    # Slice 10 ends what is labelled: 2 slices of 5 mm above slice 8.
    assert measured.to_end(np.array([20.0, 20.0, 40.0])) == 10


def test_a_bone_may_end_where_another_does_by_its_tip(voxels):
    voxels[10:14, 10:14, 7:11] = 0
    voxels[11, 11, 7:11] = 2
    assert measure(Volume(voxels, AFFINE), None, table=TABLE).cut == set()


def test_what_is_astray_does_not_move_a_bone(voxels):
    voxels[19, 19, 19] = 3
    measured = measure(Volume(voxels, AFFINE), None, table=TABLE)
    np.testing.assert_allclose(measured.centroid("three"), [10, 30, 25])
    assert len(measured.pieces_of("three")) == 2
    assert len(measured.points("three")) == 45


def test_air_is_counted(voxels):
    scan = np.zeros(voxels.shape, dtype=np.int16)
    scan[:, :, :6] = -900
    measured = measure(Volume(voxels, AFFINE), Volume(scan, AFFINE), table=TABLE)
    assert measured.air == {"one": pytest.approx(4 / 9), "two": pytest.approx(2 / 7), "three": pytest.approx(3 / 5)}
    assert measure(Volume(voxels, AFFINE), None, table=TABLE).air is None
