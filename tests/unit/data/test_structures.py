import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.structures import MAYBE_BONE, masks_in, merge_structures
from sneakynet.errors import DatasetError
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

TABLE = BoneTable.default()


@pytest.fixture
def scan():
    return Volume(np.zeros((8, 8, 8), dtype=np.int16), np.diag([2.0, 2.0, 3.0, 1.0]))


@pytest.fixture
def masks(tmp_path, scan):
    """Writes masks by name: boxes of voxels along i."""

    def write(**boxes):
        for name, (start, stop) in boxes.items():
            voxels = np.zeros(scan.shape, dtype=np.int16)
            voxels[start:stop] = 1
            write_scan(tmp_path / f"{name}.nii.gz", Volume(voxels, scan.affine))
        return tmp_path

    return write


def test_masks_become_labels_of_the_table(masks, scan):
    folder = masks(vertebrae_L1=(0, 2), rib_left_3=(4, 5), liver=(6, 8))
    (folder / "._vertebrae_L2.nii.gz").write_bytes(b"what macOS leaves")

    labels = merge_structures(folder, scan, TABLE)

    assert sorted(masks_in(folder)) == ["liver", "rib_left_3", "vertebrae_L1"]
    assert labels.voxels.dtype == np.uint8
    np.testing.assert_array_equal(
        labels.voxels[:, 0, 0], [TABLE["vertebrae_L1"].id] * 2 + [0, 0] + [TABLE["rib_left_3"].id] + [0, 0, 0]
    )


def test_the_smaller_of_two_bones_has_the_voxels_of_both(masks, scan):
    labels = merge_structures(masks(hip_left=(0, 6), sacrum=(5, 7)), scan, TABLE)

    assert labels.voxels[4, 0, 0] == TABLE["hip_left"].id
    assert (labels.voxels[5:7] == TABLE["sacrum"].id).all()


def test_what_may_be_a_bone_without_a_mask_counts_nowhere(masks, scan):
    scan.voxels[3:] = MAYBE_BONE
    scan.voxels[7] = MAYBE_BONE - 1
    folder = masks(vertebrae_L1=(3, 4), aorta=(4, 5))

    labels = merge_structures(folder, scan, TABLE).voxels[:, 0, 0]

    np.testing.assert_array_equal(labels, [0, 0, 0, TABLE["vertebrae_L1"].id, 0, 255, 255, 0])


def test_where_every_bone_of_the_table_has_a_mask_the_rest_is_background(masks, scan, tmp_path):
    scan.voxels[:] = 1000
    (tmp_path / "table.csv").write_text("id,name\n1,vertebrae_L1\n")

    labels = merge_structures(masks(vertebrae_L1=(3, 4)), scan, BoneTable.read(tmp_path / "table.csv"))

    assert set(np.unique(labels.voxels)) == {0, 1}


def test_all_faults_at_once(masks, scan):
    folder = masks(vertebrae_L1=(0, 2))
    write_scan(folder / "sacrum.nii.gz", Volume(np.zeros((4, 8, 8), dtype=np.int16), scan.affine))
    write_scan(folder / "hip_left.nii.gz", Volume(np.full((8, 8, 8), 3, dtype=np.int16), scan.affine))
    (folder / "skull.nii.gz").write_bytes(b"no image")

    with pytest.raises(DatasetError) as error:
        merge_structures(folder, scan, TABLE)

    text = str(error.value)
    assert "sacrum.nii.gz lies on another grid than the scan ((4, 8, 8) voxels, not (8, 8, 8)" in text
    assert "hip_left.nii.gz is no mask: it holds the label 3; a mask holds 0 and 1" in text
    assert "skull.nii.gz" in text


def test_a_folder_without_a_bone(masks, scan):
    with pytest.raises(DatasetError, match=r"no mask in .* is named after a bone of the table"):
        merge_structures(masks(liver=(0, 2)), scan, TABLE)
