import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import OutputError, SettingError
from sneakynet.inference.segmentation import Segmentation
from sneakynet.volumes.volume import Volume


@pytest.fixture
def segmentation():
    voxels = np.zeros((4, 5, 6), dtype=np.uint8)
    voxels[1, 2, 3], voxels[3] = 28, 122
    affine = np.diag([-2.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = 10.5, -20, 30
    return Segmentation(labels=Volume(voxels, affine), table=BoneTable.default())


def test_present_bones_in_the_order_of_their_ids(segmentation):
    assert [bone.id for bone in segmentation.present] == [28, 122]


def test_save_keeps_grid_and_labels(segmentation, tmp_path):
    segmentation.save(tmp_path / "case.nii.gz")

    image = nibabel.load(tmp_path / "case.nii.gz")
    np.testing.assert_array_equal(image.affine, segmentation.labels.affine)
    np.testing.assert_array_equal(np.asarray(image.dataobj), segmentation.labels.voxels)
    assert b"sacrum" in image.header.extensions[0].get_content()


def test_save_refuses_another_ending(segmentation, tmp_path):
    with pytest.raises(SettingError, match="must end in"):
        segmentation.save(tmp_path / "case.png")


def test_save_into_a_missing_folder(segmentation, tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        segmentation.save(tmp_path / "missing" / "case.nii.gz")
