"""What does not depend on the format, and the real scans."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from sneakynet.errors import SettingError, VolumeError
from sneakynet.volumes.read import read_labels, read_volume

SHARED = Path(__file__).parents[4] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real scans of ../shared/data are not there")


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(b"\x89PNG" + bytes(200))
    with pytest.raises(VolumeError, match=r"scan.png: not a volume; give a file ending in .nii, .nii.gz, .nrrd"):
        read_volume(tmp_path / "scan.png")


def test_a_series_of_a_plain_file_is_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / "scan.nii")
    with pytest.raises(SettingError, match=r"leave out series '2' for this file"):
        read_volume(tmp_path / "scan.nii", series="2")


def test_labels_of_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match=r"a label map is a single file \(.nii, .*\), this is a folder"):
        read_labels(tmp_path)


def test_labels_may_be_constant_and_small(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int32), np.eye(4)), tmp_path / "empty.nii.gz")
    assert read_labels(tmp_path / "empty.nii.gz").voxels.dtype == np.uint8


@needs_shared
@pytest.mark.parametrize("name", ["ct_abdomen_pelvis_3mm", "ct_neck_5mm", "ct_vertebra_crop_1.5mm"])
def test_real_nifti_scans(name: str) -> None:
    path = SHARED / name / "ct.nii.gz"
    scan = read_volume(path)
    image = nibabel.load(path)
    np.testing.assert_array_equal(scan.affine, image.affine)
    np.testing.assert_allclose(scan.voxels, image.get_fdata(), rtol=1e-6)
    assert -1300 < scan.voxels.min() < -500
    assert scan.voxels.max() > 1000


@needs_shared
def test_the_real_dicom_series(caplog: pytest.LogCaptureFixture) -> None:
    """SimpleITK reads the same voxels at the same places."""
    folder = SHARED / "ct_dicom_series"
    scan = read_volume(folder)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    np.testing.assert_array_equal(scan.voxels, SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0))
    for index in ((0, 0, 0), (511, 20, 19)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(scan.affine @ [*index, 1], [-x, -y, z, 1], atol=1e-9)
    assert not caplog.records


@needs_shared
def test_the_real_atlas_labels() -> None:
    labels = read_labels(SHARED / "labels_abdomen_pelvis_atlas" / "labels.nrrd")
    assert labels.shape == (256, 256, 113)
    assert labels.voxels.max() > 100
