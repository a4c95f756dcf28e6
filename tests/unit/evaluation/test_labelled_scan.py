import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import VolumeError
from sneakynet.evaluation.labelled_scan import read_labelled_scan

TABLE = BoneTable.default()
FLIPPED = np.diag([-1.0, -1.0, 2.0, 1.0])


@pytest.fixture
def save(tmp_path):
    def write(name, voxels, affine=FLIPPED):
        nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def labels(save):
    voxels = np.zeros((6, 5, 4), dtype=np.uint8)
    voxels[0, 0, 0] = 22
    return save("case.nii.gz", voxels)


def noise(shape=(6, 5, 4)):
    return np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)


def test_all_in_canonical_order(save, labels):
    hu, percent = noise(), np.zeros((6, 5, 4), dtype=np.uint8)
    percent[0, 0, 0] = 80
    save("case.confidence.nii.gz", percent)
    one = read_labelled_scan(labels, save("ct.nii.gz", hu), table=TABLE, labels_table="verse")
    assert one.case == "case"
    assert one.labels.voxels[-1, -1, 0] == TABLE["vertebrae_L3"].id
    assert one.scan.voxels[-1, -1, 0] == hu[0, 0, 0]
    assert one.confidence.voxels[-1, -1, 0] == 80
    np.testing.assert_array_equal(one.labels.affine, one.scan.affine)


def test_labels_alone(labels):
    one = read_labelled_scan(labels, table=TABLE, labels_table="verse")
    assert (one.scan, one.confidence) == (None, None)


def test_other_grids_are_refused(save, labels):
    scan = save("ct.nii.gz", noise((6, 5, 5)))
    with pytest.raises(VolumeError, match="case case: the label map has 6 x 5 x 4 voxels and the scan 6 x 5 x 5"):
        read_labelled_scan(labels, scan, table=TABLE, labels_table="verse")
    beside = save("case.confidence.nii.gz", np.ones((6, 5, 4), dtype=np.uint8), np.eye(4))
    with pytest.raises(VolumeError, match=rf"label map and confidence lie up to .*; take {beside} away"):
        read_labelled_scan(labels, table=TABLE, labels_table="verse")


def test_what_counts_nowhere_is_background(save):
    """As in a painted dataset: the label named ignore."""
    from sneakynet.volumes.volume import Volume
    from sneakynet.volumes.write import write_labels

    voxels = np.zeros((4, 4, 4), dtype=np.uint8)
    voxels[1, 1, 1], voxels[2] = 1, 126
    path = save("case.nii.gz", voxels)
    names = {bone.id: bone.name for bone in TABLE} | {126: "ignore"}
    write_labels(path, Volume(voxels, FLIPPED), names=names, colors=dict.fromkeys(names, "#808080"))
    assert np.unique(read_labelled_scan(path, table=TABLE).labels.voxels).tolist() == [0, 1]
