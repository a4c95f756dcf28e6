import logging
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import HTJ2KLossless, RLELossless, SecondaryCaptureImageStorage, generate_uid

from sneakynet.errors import VolumeError
from sneakynet.volumes.read import read_volume


def test_a_series_becomes_a_volume(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 2.5, 5]))
    scan = read_volume(tmp_path)
    np.testing.assert_array_equal(scan.voxels, dicom.values(3).transpose(2, 1, 0))
    assert scan.voxels.dtype == np.int16
    # Columns run to the patient's left, rows to the back; pixel spacing names the row step first.
    expected = [[-0.6, 0, 0, 100], [0, -0.8, 0, 50], [0, 0, 2.5, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(scan.affine, expected, atol=1e-12)


def test_slices_are_sorted_by_place_not_by_name_or_number(dicom: Any, tmp_path: Path) -> None:
    def number_backwards(dataset: Dataset, index: int) -> None:
        dataset.InstanceNumber = 10 - index

    dicom.series(tmp_path, dicom.axial([5, 0, 2.5]), edit=number_backwards)
    scan = read_volume(tmp_path)
    np.testing.assert_array_equal(scan.voxels, dicom.values(3)[[1, 2, 0]].transpose(2, 1, 0))
    assert scan.affine[2, 3] == 0


def test_files_without_preamble(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1]))
    typed = pydicom.dcmread(tmp_path / "001.dcm")
    typed.preamble = None
    typed.save_as(tmp_path / "001.dcm")
    untyped = pydicom.dcmread(tmp_path / "002.dcm")
    del untyped.file_meta
    pydicom.dcmwrite(tmp_path / "002.dcm", untyped, implicit_vr=True, little_endian=True)
    (tmp_path / "notes.txt").write_text("x" * 200)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, dicom.values(2).transpose(2, 1, 0))


def test_sagittal_slices(dicom: Any, tmp_path: Path) -> None:
    # Rows run to the back, columns downwards: the normal points to the patient's right.
    positions = [(20.0 - 3 * index, -50.0, 80.0) for index in range(4)]
    dicom.series(tmp_path, positions, directions=(0, 1, 0, 0, 0, -1))
    scan = read_volume(tmp_path)
    np.testing.assert_array_equal(scan.voxels, dicom.values(4).transpose(2, 1, 0))
    expected = [[0, 0, 3, -20], [-0.6, 0, 0, 50], [0, -0.8, 0, 80], [0, 0, 0, 1]]
    np.testing.assert_allclose(scan.affine, expected, atol=1e-12)


def test_an_oblique_series_keeps_its_direction(dicom: Any, tmp_path: Path) -> None:
    cos, sin = np.cos(0.3), np.sin(0.3)
    positions = np.array([10.0, 20, 30]) + np.outer([0, 1, 2], np.array([0, -sin, cos])) * 2
    dicom.series(tmp_path, positions.tolist(), directions=(1, 0, 0, 0, cos, sin))
    scan = read_volume(tmp_path)
    np.testing.assert_allclose(scan.affine[:3, 2], [0, 2 * sin, 2 * cos], atol=1e-12)
    np.testing.assert_array_equal(scan.voxels, dicom.values(3).transpose(2, 1, 0))


def test_slope_and_intercept_of_every_slice_apply(dicom: Any, tmp_path: Path) -> None:
    def scale(dataset: Dataset, index: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = (2, -100) if index else (1, -1024)

    dicom.series(tmp_path, dicom.axial([0, 1]), edit=scale)
    scan = read_volume(tmp_path)
    stored = dicom.values(2).transpose(2, 1, 0) + 1024
    np.testing.assert_array_equal(scan.voxels[..., 0], stored[..., 0] - 1024)
    np.testing.assert_array_equal(scan.voxels[..., 1], stored[..., 1] * 2 - 100)


def test_fractional_slope_gives_float32(dicom: Any, tmp_path: Path) -> None:
    def scale(dataset: Dataset, index: int) -> None:
        dataset.RescaleSlope = "0.5" if index else "1"

    dicom.series(tmp_path, dicom.axial([0, 1]), edit=scale)
    scan = read_volume(tmp_path)
    assert scan.voxels.dtype == np.float32
    np.testing.assert_array_equal(scan.voxels[..., 1], (dicom.values(2)[1].T + 1024) * 0.5 - 1024)


def test_a_zip_with_folders_inside(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path / "DICOM", dicom.axial([0, 1, 2]))
    (tmp_path / "DICOM" / "readme.txt").write_text("hello")
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for file in (tmp_path / "DICOM").iterdir():
            pack.write(file, f"study/series/{file.name}")
    scan = read_volume(archive)
    np.testing.assert_array_equal(scan.voxels, dicom.values(3).transpose(2, 1, 0))


def test_two_series_are_listed(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]), uid="1.2.8", number=5, description="Bone", prefix="b")
    dicom.series(tmp_path, dicom.axial([0, 1]), uid="1.2.9", number=3, description="Lung", prefix="l")
    with pytest.raises(VolumeError) as caught:
        read_volume(tmp_path)
    assert (
        "2 CT series; say which with --series (in Python series=..., for `sneakynet dicom` --which), by number or UID:"
        in str(caught.value)
    )
    assert "1: 2 slices of 8x6, 'Lung', UID 1.2.9" in str(caught.value)
    assert "2: 3 slices of 8x6, 'Bone', UID 1.2.8" in str(caught.value)
    assert "folder of each" not in str(caught.value)
    assert dicom.PATIENT not in str(caught.value)


def test_two_series_in_folders_of_their_own(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path / "one", dicom.axial([0, 1, 2]), uid="1.2.8")
    dicom.series(tmp_path / "other", dicom.axial([0, 1]), uid="1.2.9")
    with pytest.raises(
        VolumeError, match=r"2 CT series[\s\S]*or give the folder of each: they lie in folders of their"
    ):
        read_volume(tmp_path)


@pytest.mark.parametrize("wanted", ["2", "1.2.8"])
def test_a_series_is_chosen_by_number_or_uid(dicom: Any, tmp_path: Path, wanted: str) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]), uid="1.2.8", number=5, prefix="b")
    dicom.series(tmp_path, dicom.axial([0, 1]), uid="1.2.9", number=3, prefix="l")
    assert read_volume(tmp_path, series=wanted).shape == (8, 6, 3)


def test_an_unknown_series_is_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    with pytest.raises(VolumeError, match=r"no series '7'; choose by number or UID:\n  1: 3 slices of 8x6, 'Thorax'"):
        read_volume(tmp_path, series="7")


def test_reports_other_modalities_and_localizers_are_left_out(
    dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def localizer(dataset: Dataset, index: int) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def other(dataset: Dataset, index: int) -> None:
        dataset.Modality = "MR"

    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    dicom.series(tmp_path, dicom.axial([9]), directions=(1, 0, 0, 0, 0, -1), edit=localizer, prefix="scout")
    dicom.series(tmp_path, dicom.axial([0, 1]), uid="1.9", edit=other, prefix="mr")
    capture = dicom.header("1.6", "CT")
    capture.SOPClassUID = SecondaryCaptureImageStorage
    pydicom.dcmwrite(tmp_path / "capture.dcm", capture, enforce_file_format=True)
    report = dicom.header("1.7", "SR")
    pydicom.dcmwrite(tmp_path / "report.dcm", report, enforce_file_format=True)
    with caplog.at_level(logging.INFO):
        assert read_volume(tmp_path).shape == (8, 6, 3)
    assert "left out 1 CT picture(s) that are no slices, 2 MR file(s), 1 SR file(s), 1 localizer(s)" in caplog.text
    assert dicom.PATIENT not in caplog.text


def test_an_unmarked_scout_in_the_series_is_left_out(
    dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    dicom.series(tmp_path, dicom.axial([9]), directions=(1, 0, 0, 0, 0, -1), prefix="scout")
    assert read_volume(tmp_path).shape == (8, 6, 3)
    assert "1 of 4 slices face another way (scouts?) and were left out" in caplog.text


def test_mixed_views_are_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2, 3, 4]))
    dicom.series(tmp_path, dicom.axial([0, 1, 2, 3]), directions=(1, 0, 0, 0, 0, -1), prefix="coronal")
    with pytest.raises(VolumeError, match=r"4 of 9 slices face another way; put each view in a folder of its own"):
        read_volume(tmp_path)


def test_mixed_sizes_are_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    dicom.series(tmp_path, dicom.axial([3]), hu=dicom.values(1, rows=4, columns=4), prefix="x")
    with pytest.raises(
        VolumeError, match=r"differ in size \(3 of 8x6 pixels of 0.6x0.8 mm; 1 of 4x4 pixels of 0.6x0.8"
    ):
        read_volume(tmp_path)


def test_files_that_are_there_twice_count_once(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "001.dcm", tmp_path / "copy" / "again.dcm")
    assert read_volume(tmp_path).shape == (8, 6, 3)


def test_two_phases_in_one_series_are_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    dicom.series(tmp_path, dicom.axial([0, 1, 2]), hu=dicom.values(3) + 1, prefix="late")
    with pytest.raises(VolumeError, match=r"3 of 6 slices lie at the same place as another \(several phases"):
        read_volume(tmp_path)


def test_files_with_one_uid_are_still_slices(dicom: Any, tmp_path: Path) -> None:
    """As some anonymisers leave them."""

    def same(dataset: Dataset, index: int) -> None:
        dataset.SOPInstanceUID = "1.2.3"

    dicom.series(tmp_path, dicom.axial([0, 1, 2]), edit=same)
    assert read_volume(tmp_path).shape == (8, 6, 3)


def world_ramp_series(dicom: Any, folder: Path, positions: np.ndarray) -> Path:
    """Every voxel holds 2y + 5z of its own place, whatever grid the slices are on."""
    rows = np.arange(12)[None, :, None] * 0.8
    hu = np.rint(2 * (positions[:, 1, None, None] + rows) + 5 * positions[:, 2, None, None])
    hu = np.broadcast_to(hu, (len(positions), 12, 6)).astype(np.int16)
    return dicom.series(folder, positions.tolist(), hu=hu)  # type: ignore[no-any-return]


def assert_world_ramp(scan: Any, *, at_least: int) -> None:
    i, j, k = np.indices(scan.shape)
    _, y, z = np.tensordot(scan.affine[:3, :3], np.stack([i, j, k]), axes=1) + scan.affine[:3, 3, None, None, None]
    known = scan.voxels > -1000
    assert np.count_nonzero(known) >= at_least
    # y is counted to the front here and to the back in DICOM; HU are rounded to whole numbers twice.
    np.testing.assert_allclose(scan.voxels[known], (-2 * y + 5 * z)[known], atol=1.01)


def test_gantry_tilt_is_straightened(dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lean = np.tan(np.radians(20))
    positions = np.array([[-100.0, -50 + lean * z, z] for z in (0, 3, 6, 9, 12)])
    scan = read_volume(world_ramp_series(dicom, tmp_path, positions))
    assert "the slices lean by 20.0 degrees (gantry tilt); resampled onto a straight grid" in caplog.text
    assert abs(np.linalg.det(scan.affine[:3, :3] / np.array(scan.spacing))) == pytest.approx(1)
    assert scan.shape[2] == 5
    assert_world_ramp(scan, at_least=5 * 6 * 11)


def test_missing_slices_are_bridged(dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    positions = np.array(dicom.axial([0, 2, 4, 8, 10]))
    scan = read_volume(world_ramp_series(dicom, tmp_path, positions))
    assert "the slices lie unevenly (2.00 to 4.00 mm apart; some may be missing); resampled" in caplog.text
    assert scan.shape[2] == 6
    assert scan.spacing[2] == pytest.approx(2)
    assert_world_ramp(scan, at_least=6 * 6 * 12)


def test_uneven_slices_are_evened_out(dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    positions = np.array(dicom.axial([0, 2, 4, 5, 6, 7, 8.5]))
    scan = read_volume(world_ramp_series(dicom, tmp_path, positions))
    assert "the slices lie unevenly (1.00 to 2.00 mm apart" in caplog.text
    assert_world_ramp(scan, at_least=6 * 6 * 12)


def test_a_large_gap_is_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 2, 4, 14, 16]))
    with pytest.raises(VolumeError, match=r"slices are missing: between slice 3 and 4 lie 10.00 mm, elsewhere 2.00 mm"):
        read_volume(tmp_path)


def test_rounded_positions_are_tolerated_in_silence(
    dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dicom.series(tmp_path, dicom.axial([0, 0.63, 1.25, 1.88, 2.5]))
    scan = read_volume(tmp_path)
    np.testing.assert_array_equal(scan.voxels, dicom.values(5).transpose(2, 1, 0))
    assert not caplog.records


def test_one_slice_is_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0]))
    with pytest.raises(VolumeError, match=r"a single CT slice \(1 series\); give the folder that holds all slices"):
        read_volume(tmp_path / "001.dcm")


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(VolumeError, match=r"no CT slices found \(no DICOM files at all\)"):
        read_volume(tmp_path)


def test_a_folder_of_another_modality_is_refused(dicom: Any, tmp_path: Path) -> None:
    def other(dataset: Dataset, index: int) -> None:
        dataset.Modality = "MR"

    dicom.series(tmp_path, dicom.axial([0, 1]), edit=other)
    with pytest.raises(VolumeError, match=r"no CT slices found \(only 2 MR file\(s\)\)"):
        read_volume(tmp_path)


def test_truncated_pixels_are_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    file = tmp_path / "002.dcm"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(VolumeError, match=r"the pixels of 002.dcm are damaged or cut short; copy or export it again"):
        read_volume(tmp_path)


@pytest.mark.parametrize("length", [200, 420, 560, 700])
def test_a_header_cut_short_is_refused(dicom: Any, tmp_path: Path, length: int) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2]))
    file = tmp_path / "002.dcm"
    assert len(file.read_bytes()) > 800
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(VolumeError, match=r"002.dcm (is|are) damaged or cut short; copy or export it again"):
        read_volume(tmp_path)


def test_pixels_without_size_are_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1]), pixel=(0.0, 0.6))
    with pytest.raises(
        VolumeError, match=r"voxel spacing must be positive along every axis, got pixels of \(0.6, 0.0\)"
    ):
        read_volume(tmp_path)


def test_colour_is_refused(dicom: Any, tmp_path: Path) -> None:
    def colour(dataset: Dataset, index: int) -> None:
        dataset.SamplesPerPixel = 3

    dicom.series(tmp_path, dicom.axial([0, 1]), edit=colour)
    with pytest.raises(VolumeError, match=r"002.dcm is a colour image; a CT has one value per pixel"):
        read_volume(tmp_path)


def test_a_broken_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.zip").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(VolumeError, match=r"not a zip file, or cut short; copy or export it again"):
        read_volume(tmp_path / "scan.zip")


def test_a_zip_with_a_password_is_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1]))
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w") as pack:
        pack.write(tmp_path / "001.dcm", "001.dcm")
    # The encryption bit of the local header and of the directory entry.
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(VolumeError, match=r"asks for a password; unpack it and give the folder"):
        read_volume(archive)


def test_rle_is_decoded(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1]))
    for file in tmp_path.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.compress(RLELossless)
        dataset.save_as(file)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, dicom.values(2).transpose(2, 1, 0))


@pytest.mark.parametrize("compressor", ["JPEG", "JPEG2000"])
def test_compressed_slices_are_decoded_without_further_packages(
    dicom: Any, tmp_path: Path, compressor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1]), hu=dicom.values(2, rows=64, columns=48))
    expected = read_volume(tmp_path)
    writer = SimpleITK.ImageFileWriter()
    writer.SetCompressor(compressor)
    writer.UseCompressionOn()
    writer.SetFileName(str(tmp_path / "packed.dcm"))
    for file in list(tmp_path.iterdir()):
        dataset = pydicom.dcmread(file)
        writer.Execute(SimpleITK.GetImageFromArray(dataset.pixel_array[None]))
        packed = pydicom.dcmread(tmp_path / "packed.dcm")
        dataset.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID
        dataset.PixelData = packed.PixelData
        assert packed.file_meta.TransferSyntaxUID.is_encapsulated
        dataset.save_as(file)
    (tmp_path / "packed.dcm").unlink()
    monkeypatch.setattr("sneakynet.volumes.dicom_slices._decompressed", lambda dataset: None)
    scan = read_volume(tmp_path)
    np.testing.assert_array_equal(scan.voxels, expected.voxels)
    np.testing.assert_allclose(scan.affine, expected.affine, atol=1e-9)


def test_a_compression_without_decoder_is_named(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1]))
    for file in tmp_path.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51"])
        dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
        dataset["PixelData"].VR = "OB"
        dataset.save_as(file)
    with pytest.raises(
        VolumeError, match=r"002.dcm is compressed as High-Throughput JPEG 2000 .*cannot be decoded here"
    ):
        read_volume(tmp_path)


def enhanced_ct(dicom: Any, depths: list[float]) -> Dataset:
    """One file with a frame per slice; geometry stands in the functional groups."""
    dataset = dicom.header()
    dataset.NumberOfFrames = len(depths)
    dicom.set_pixels(dataset, dicom.values(len(depths)) + 1024)
    shared, orientation, measures, scaling = Dataset(), Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1.0, 0, 0, 0, 1, 0]
    measures.PixelSpacing = [0.8, 0.6]
    scaling.RescaleSlope, scaling.RescaleIntercept = 1, -1024
    shared.PlaneOrientationSequence = DicomSequence([orientation])
    shared.PixelMeasuresSequence = DicomSequence([measures])
    shared.PixelValueTransformationSequence = DicomSequence([scaling])
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    frames = []
    for position in dicom.axial(depths):
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = list(position)
        frame.PlanePositionSequence = DicomSequence([place])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    return dataset  # type: ignore[no-any-return]


def test_a_multi_frame_file(dicom: Any, tmp_path: Path) -> None:
    pydicom.dcmwrite(tmp_path / "enhanced", enhanced_ct(dicom, [0, 5, 2.5]), enforce_file_format=True)
    for given in (tmp_path / "enhanced", tmp_path):
        scan = read_volume(given)
        np.testing.assert_array_equal(scan.voxels, dicom.values(3)[[0, 2, 1]].transpose(2, 1, 0))
        assert scan.spacing == pytest.approx((0.6, 0.8, 2.5))


def test_a_multi_frame_file_without_places_is_refused(dicom: Any, tmp_path: Path) -> None:
    dataset = enhanced_ct(dicom, [0, 1])
    del dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence
    dataset.SOPInstanceUID = generate_uid()
    pydicom.dcmwrite(tmp_path / "enhanced.dcm", dataset, enforce_file_format=True)
    with pytest.raises(VolumeError, match=r"enhanced.dcm has a header that does not say where the slice lies"):
        read_volume(tmp_path)
