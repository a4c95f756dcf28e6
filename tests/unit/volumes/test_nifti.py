import gzip
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest

from sneakynet.errors import VolumeError
from sneakynet.volumes.read import read_volume

SCAN = (np.arange(60).reshape(3, 4, 5) * 30 - 900).astype(np.int16)
AFFINE = np.array([[-0.9, 0, 0, 10], [0, -0.9, 0, 20], [0, 0, 2.5, 30], [0, 0, 0, 1.0]])


def save(path: Path, voxels: np.ndarray = SCAN, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


def patch(path: Path, offset: int, data: bytes) -> Path:
    """Overwrite bytes of an uncompressed file's header."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(data)] = data
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "SCAN.NII.GZ"])
def test_voxels_and_affine(tmp_path: Path, name: str) -> None:
    save(tmp_path / "plain.nii.gz" if "gz" in name.lower() else tmp_path / "plain.nii").rename(tmp_path / name)
    scan = read_volume(tmp_path / name)
    np.testing.assert_array_equal(scan.voxels, SCAN)
    assert scan.voxels.dtype == np.int16
    np.testing.assert_allclose(scan.affine, AFFINE, rtol=1e-6)


def test_nifti_2(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(SCAN, AFFINE), tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.nii.gz").affine, AFFINE)


def test_big_endian(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header(endianness=">")
    nibabel.save(nibabel.Nifti1Image(SCAN, AFFINE, header=header), tmp_path / "scan.nii")
    scan = read_volume(tmp_path / "scan.nii")
    np.testing.assert_array_equal(scan.voxels, SCAN)
    assert scan.voxels.dtype.isnative


@pytest.mark.parametrize(("slope", "intercept", "dtype"), [(1.0, -1024.0, np.int16), (0.5, -1000.0, np.float32)])
def test_slope_and_intercept(tmp_path: Path, slope: float, intercept: float, dtype: type) -> None:
    stored = np.arange(60, dtype=np.uint16).reshape(3, 4, 5) * 50
    path = save(tmp_path / "scan.nii", stored)
    patch(path, 112, struct.pack("<ff", slope, intercept))
    scan = read_volume(path)
    np.testing.assert_array_equal(scan.voxels, stored * slope + intercept)
    assert scan.voxels.dtype == dtype


def test_unsigned_values_above_int16_become_float(tmp_path: Path) -> None:
    stored = np.linspace(0, 65535, 60).reshape(3, 4, 5).astype(np.uint16)
    scan = read_volume(save(tmp_path / "scan.nii", stored))
    assert scan.voxels.dtype == np.float32
    np.testing.assert_array_equal(scan.voxels, stored)


def test_the_qform_alone_is_used_with_its_flip(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(SCAN, None)
    image.set_sform(None, code=0)
    affine = AFFINE.copy()
    affine[0] *= -1  # three axes of which two are flipped need qfac -1
    image.set_qform(affine, code=1)
    assert image.header["pixdim"][0] == -1
    nibabel.save(image, tmp_path / "scan.nii.gz")
    np.testing.assert_allclose(read_volume(tmp_path / "scan.nii.gz").affine, affine, rtol=1e-6)


def test_the_sform_wins_over_the_qform(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(SCAN, AFFINE)
    image.set_qform(np.diag([0.9, 0.9, 2.5, 1.0]), code=1)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    np.testing.assert_allclose(read_volume(tmp_path / "scan.nii.gz").affine, AFFINE, rtol=1e-6)


def test_a_header_without_orientation_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image = nibabel.Nifti1Image(SCAN, AFFINE)
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    read_volume(tmp_path / "scan.nii.gz")
    assert "the header states no orientation; left and right of the patient cannot be known" in caplog.text


def test_one_frame_of_four_axes_is_a_scan(tmp_path: Path) -> None:
    assert read_volume(save(tmp_path / "scan.nii", SCAN[..., None, None])).shape == (3, 4, 5)


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (np.stack([SCAN, SCAN], axis=3), r"the image of 3x4x5x2 voxels has 2 frames, one is needed"),
        (SCAN[:, :, 0], r"the image of 3x4 voxels is a single slice; a volume of 2 slices or more is needed"),
        (SCAN[:, :, :1], r"the image of 3x4x1 voxels is a single slice; a volume of 2 slices or more"),
        (
            np.zeros((3, 4, 5), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]),
            r"each voxel holds 3 numbers \(colour or vector image\); one intensity is needed",
        ),
        (SCAN.astype(np.complex64), r"each voxel holds 2 numbers"),
    ],
)
def test_images_that_are_no_scan(tmp_path: Path, voxels: np.ndarray, message: str) -> None:
    with pytest.raises(VolumeError, match=message):
        read_volume(save(tmp_path / "scan.nii", voxels))


@pytest.mark.parametrize("size", [0.0, -0.9, float("nan")])
def test_spacing_that_is_not_positive(tmp_path: Path, size: float) -> None:
    path = patch(save(tmp_path / "scan.nii"), 80, struct.pack("<f", size))
    with pytest.raises(
        VolumeError, match=r"voxel spacing must be positive along every axis, got \[.*2.5\] mm; mend the"
    ):
        read_volume(path)


def test_an_sform_with_an_axis_of_no_length(tmp_path: Path) -> None:
    path = patch(save(tmp_path / "scan.nii"), 280, struct.pack("<f", 0.0))
    with pytest.raises(VolumeError, match=r"scan.nii: voxel spacing must be positive .* got \(0.0, 0.89"):
        read_volume(path)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_file_cut_short(tmp_path: Path, name: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(-1000, 1000, (20, 20, 20)).astype(np.int16)
    path = save(tmp_path / name, noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(VolumeError, match=r"scan.nii.*: the file is damaged or cut short; copy or export it again"):
        read_volume(path)


def test_a_file_cut_short_within_its_header(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(VolumeError, match=r"scan.nii: not a NIfTI file"):
        read_volume(path)


def test_a_text_named_nifti(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_text("hello " * 200)
    with pytest.raises(VolumeError, match=r"scan.nii: not a NIfTI file; give a CT volume as .nii, .nii.gz, .nrrd"):
        read_volume(tmp_path / "scan.nii")


def test_a_compressed_text_named_nifti(tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(b"hello " * 200))
    with pytest.raises(VolumeError, match=r"scan.nii.gz: not a NIfTI file"):
        read_volume(tmp_path / "scan.nii.gz")


def test_an_uncompressed_file_named_gz(tmp_path: Path) -> None:
    path = save(tmp_path / "scan.nii").rename(tmp_path / "scan.nii.gz")
    with pytest.raises(VolumeError, match=r"the name ends in .gz but the file is not compressed; rename it"):
        read_volume(path)


def test_a_header_that_promises_more_than_memory_holds(tmp_path: Path) -> None:
    path = patch(save(tmp_path / "scan.nii"), 42, struct.pack("<3h", 32000, 32000, 32000))
    with pytest.raises(VolumeError, match=r"scan.nii: the file is damaged or cut short"):
        read_volume(path)
