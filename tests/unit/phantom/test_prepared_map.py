import numpy as np
import pytest

from sneakynet.errors import BoneTableError, VolumeError
from sneakynet.phantom.prepared_map import DEPTH_STEPS, level_faults, prepare
from sneakynet.volumes.volume import Volume

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
NAMES = {1: "Lumbar1", 2: "L2", 4: "liver"}


def label_map():
    voxels = np.zeros((40, 40, 50), np.uint8)
    voxels[12:28, 8:26, 36:48] = 1
    voxels[12:28, 8:26, 20:33] = 2
    voxels[30:38, 10:30, 30:44] = 4
    return voxels


def test_depth_is_that_below_the_surface_in_mm():
    source = prepare(Volume(label_map(), AFFINE), names=NAMES)
    assert source.bones == ("vertebrae_L1", "vertebrae_L2")
    assert source.tissues == {"liver"}
    depth = source.depth / DEPTH_STEPS
    assert depth[12, 17, 42] == pytest.approx(1.0)
    assert depth[16, 17, 42] == pytest.approx(9.0)
    assert (source.depth[source.codes == 0] == 0).all()


def test_a_fine_map_is_thinned_out():
    source = prepare(Volume(label_map(), np.diag([0.2, 0.2, 0.2, 1.0])), names=NAMES)
    assert source.codes.shape == (14, 14, 17)
    np.testing.assert_allclose(np.diag(source.affine)[:3], 0.6)


def test_vertebrae_tell_a_wrong_voxel_size():
    source = prepare(Volume(label_map(), np.diag([2.0, 2.0, 1.0, 1.0])), names=NAMES)
    (fault,) = level_faults(source, stretch=(1.0, 1.0, 1.0))
    assert "(spine_lumbar) lie 15.5 mm apart, in adults 26 to 48 mm" in fault
    assert level_faults(source, stretch=(1.0, 1.0, 2.0)) == []


@pytest.mark.parametrize(
    ("voxels", "names", "error", "says"),
    [
        (label_map(), {4: "liver"}, BoneTableError, "none of the label names is a bone of the table: liver"),
        (label_map(), {}, BoneTableError, "none of the label names is a bone of the table: none"),
        (label_map(), {50: "L1"}, VolumeError, "holds no voxel of a bone: its labels are 1, 2, 4"),
        (np.zeros((4, 4, 4), np.uint8), NAMES, VolumeError, "its labels are all 0"),
        (label_map() * 0.5, NAMES, VolumeError, "a label map holds whole numbers, this one holds 0.5"),
    ],
)
def test_maps_that_cannot_be_used(voxels, names, error, says):
    with pytest.raises(error, match=says):
        prepare(Volume(voxels, AFFINE), names=names)
