from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from sneakynet.errors import VolumeError
from sneakynet.volumes.read import read_volume

SCAN = (np.arange(60).reshape(3, 4, 5) * 30 - 900).astype(np.int16)
COS, SIN = np.cos(0.3), np.sin(0.3)


def image(voxels: np.ndarray = SCAN) -> SimpleITK.Image:
    """An oblique image, voxels ``[i j k]``."""
    made = SimpleITK.GetImageFromArray(voxels.transpose(2, 1, 0))
    made.SetSpacing((0.7, 0.8, 2.5))
    made.SetOrigin((1.0, 2.0, 3.0))
    made.SetDirection((COS, -SIN, 0, SIN, COS, 0, 0, 0, 1))
    return made


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
def test_voxels_and_affine(tmp_path: Path, ending: str, caplog: pytest.LogCaptureFixture) -> None:
    SimpleITK.WriteImage(image(), tmp_path / f"scan{ending}")
    scan = read_volume(tmp_path / f"scan{ending}")
    np.testing.assert_array_equal(scan.voxels, SCAN)
    assert scan.voxels.dtype == np.int16
    # ITK counts to the left and to the back.
    expected = [[-0.7 * COS, 0.8 * SIN, 0, -1], [-0.7 * SIN, -0.8 * COS, 0, -2], [0, 0, 2.5, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(scan.affine, expected, atol=1e-12)
    assert not caplog.records


def test_an_nrrd_that_counts_to_the_right(tmp_path: Path) -> None:
    SimpleITK.WriteImage(image(), tmp_path / "scan.nhdr")
    header = (tmp_path / "scan.nhdr").read_text()
    (tmp_path / "scan.nhdr").write_text(header.replace("left-posterior-superior", "right-anterior-superior"))
    np.testing.assert_allclose(read_volume(tmp_path / "scan.nhdr").affine[:3, 3], [1, 2, 3], atol=1e-12)


def test_an_nrrd_without_space_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    SimpleITK.WriteImage(image(), tmp_path / "scan.nhdr")
    header = (tmp_path / "scan.nhdr").read_text()
    (tmp_path / "scan.nhdr").write_text(header.replace("space: left-posterior-superior", "space dimension: 3"))
    read_volume(tmp_path / "scan.nhdr")
    assert "the header names no space; it is read as left-posterior-superior" in caplog.text


def test_one_frame_of_four_axes_is_a_scan(tmp_path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image()]), tmp_path / "scan.nrrd")
    scan = read_volume(tmp_path / "scan.nrrd")
    np.testing.assert_array_equal(scan.voxels, SCAN)
    assert scan.spacing == pytest.approx((0.7, 0.8, 2.5))


def test_frames_are_refused(tmp_path: Path) -> None:
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image(), image()]), tmp_path / "scan.mha")
    with pytest.raises(VolumeError, match=r"the image of 3x4x5x2 voxels has 2 frames, one is needed"):
        read_volume(tmp_path / "scan.mha")


def test_colour_is_refused(tmp_path: Path) -> None:
    byte = image(SCAN.astype(np.uint8))
    SimpleITK.WriteImage(SimpleITK.Compose(byte, byte, byte), tmp_path / "scan.mha")
    with pytest.raises(VolumeError, match=r"each voxel holds 3 numbers \(colour or vector image\)"):
        read_volume(tmp_path / "scan.mha")


def test_a_slice_is_refused(tmp_path: Path) -> None:
    SimpleITK.WriteImage(image()[:, :, 0], tmp_path / "scan.mha")
    with pytest.raises(VolumeError, match=r"the image of 3x4 voxels is a single slice"):
        read_volume(tmp_path / "scan.mha")


@pytest.mark.parametrize("size", ["0", "-0.8"])
def test_spacing_that_is_not_positive(tmp_path: Path, size: str) -> None:
    SimpleITK.WriteImage(image(), tmp_path / "scan.mhd")
    header = (tmp_path / "scan.mhd").read_text().splitlines()
    changed = [f"ElementSpacing = 0.7 {size} 2.5" if "Spacing" in line else line for line in header]
    (tmp_path / "scan.mhd").write_text("\n".join(changed) + "\n")
    with pytest.raises(
        VolumeError, match=r"voxel spacing must be positive along every axis, got \[0.7, -?0.*, 2.5\] mm"
    ):
        read_volume(tmp_path / "scan.mhd")


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_a_file_cut_short(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"scan{ending}"
    SimpleITK.WriteImage(image(), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(VolumeError, match=r"not an NRRD or MetaImage file, or damaged or cut short; copy or export"):
        read_volume(path)


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_a_text_of_that_name(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"scan{ending}"
    path.write_text("hello " * 100)
    with pytest.raises(VolumeError, match=r"not an NRRD or MetaImage file"):
        read_volume(path)


@pytest.mark.parametrize("ending", [".nhdr", ".mhd"])
def test_a_header_whose_data_file_is_missing(tmp_path: Path, ending: str) -> None:
    SimpleITK.WriteImage(image(), tmp_path / f"scan{ending}")
    for file in tmp_path.glob("*raw*"):
        file.unlink()
    with pytest.raises(VolumeError, match=r"or its data file is missing"):
        read_volume(tmp_path / f"scan{ending}")
