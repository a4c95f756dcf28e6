import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from sneakynet.errors import VolumeError
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.source_series import read_source_series


def with_frame_of_reference(dataset: Dataset, index: int) -> None:
    dataset.FrameOfReferenceUID = "1.2.3.5"


def refused(folder: Path) -> str:
    with pytest.raises(VolumeError) as caught:
        read_source_series(folder)
    return str(caught.value)


def test_slices_stand_in_the_order_of_the_volume(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([4, 0, 2]), edit=dicom.as_from_a_scanner)
    source, scan = read_source_series(tmp_path), read_volume(tmp_path)
    assert [float(one.header.ImagePositionPatient[2]) for one in source.slices] == [0, 2, 4]
    assert [one.position[2] for one in source.slices] == [0, 2, 4]
    assert source.grid.shape == scan.shape
    np.testing.assert_array_equal(source.grid.affine, scan.affine)
    assert source.header.PatientName == dicom.PATIENT
    assert "PixelData" not in source.header


def test_of_a_zip(dicom: Any, tmp_path: Path) -> None:
    folder = dicom.series(tmp_path / "series", dicom.axial([0, 1]), edit=dicom.as_from_a_scanner)
    with zipfile.ZipFile(tmp_path / "series.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    assert len(read_source_series(tmp_path / "series.zip").slices) == 2


def test_of_several_series(dicom: Any, tmp_path: Path) -> None:
    for uid, number in (("1.2.3.4", 1), ("1.2.3.9", 2)):
        dicom.series(
            tmp_path, dicom.axial([0, number]), edit=dicom.as_from_a_scanner, uid=uid, number=number, prefix=uid
        )
    assert read_source_series(tmp_path, series="2").header.SeriesInstanceUID == "1.2.3.9"


def test_what_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"")
    assert "a.nii.gz: this is no DICOM; a DICOM result refers to the slices of a DICOM series" in refused(
        tmp_path / "a.nii.gz"
    )
    assert "gone: no such file or folder; a DICOM result" in refused(tmp_path / "gone")


def test_a_tilted_series_is_refused(dicom: Any, tmp_path: Path) -> None:
    positions = [(-100.0, -50.0 + 0.5 * k, 2.0 * k) for k in range(5)]
    dicom.series(tmp_path, positions, edit=dicom.as_from_a_scanner)
    message = refused(tmp_path)
    assert "the slices lean by 14.0 degrees (gantry tilt), so its labels lie on a resampled grid" in message
    assert "write .nii.gz or .seg.nrrd" in message


def test_an_uneven_series_is_refused(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path, dicom.axial([0, 1, 2, 4, 5]), edit=dicom.as_from_a_scanner)
    assert "the slices lie unevenly (1.00 to 2.00 mm apart; some may be missing), so its labels" in refused(tmp_path)


def test_all_that_cannot_be_referred_to_is_named_at_once(dicom: Any, tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
        dataset.StudyInstanceUID = f"1.2.{index + 1}"

    dicom.series(tmp_path, dicom.axial([0, 1, 2]), edit=edit)
    message = refused(tmp_path)
    assert "FrameOfReferenceUID is missing in 3 of 3 files" in message
    assert "3 files share a SOPInstanceUID with another" in message
    assert "StudyInstanceUID differs between its files" in message


def test_values_that_differ_are_not_quoted(dicom: Any, tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        with_frame_of_reference(dataset, index)
        dataset.PatientID = f"Secret{index}"

    dicom.series(tmp_path, dicom.axial([0, 1]), edit=edit)
    message = refused(tmp_path)
    assert "PatientID differs between its files" in message
    assert "Secret" not in message


def test_what_an_anonymiser_took_is_replaced(dicom: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        with_frame_of_reference(dataset, index)
        dataset.StudyInstanceUID = dataset.SOPClassUID = dataset.SOPInstanceUID = ""
        del dataset.PatientID

    folder = dicom.series(tmp_path, dicom.axial([0, 1]))
    for index, file in enumerate(sorted(folder.iterdir())):
        # The file's head keeps its UIDs, as many an anonymiser leaves it.
        dataset = pydicom.dcmread(file)
        edit(dataset, index)
        dataset.save_as(file, enforce_file_format=False)
    one, other = read_source_series(tmp_path), read_source_series(tmp_path)
    assert "the headers have no StudyInstanceUID (anonymised?); the result gets a new one" in caplog.text
    assert one.header.StudyInstanceUID == other.header.StudyInstanceUID != ""
    assert len({one.header.SOPInstanceUID for one in one.slices}) == 2
    assert one.header.PatientID is None


def test_directions_that_are_rounded_apart_become_one(dicom: Any, tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        with_frame_of_reference(dataset, index)
        dataset.ImageOrientationPatient = [1, 0, 1e-5 * index, 0, 1, 0]

    dicom.series(tmp_path, dicom.axial([0, 1, 2]), edit=edit)
    source = read_source_series(tmp_path)
    assert len({str(one.header.ImageOrientationPatient) for one in source.slices}) == 1


def multi_frame(dicom: Any, depths: list[float]) -> Dataset:
    """A file with a frame per slice, all of whose geometry stands with the frames."""
    dataset = dicom.header()
    with_frame_of_reference(dataset, 0)
    dataset.NumberOfFrames = len(depths)
    dicom.set_pixels(dataset, dicom.values(len(depths)) + 1024)
    dataset.SharedFunctionalGroupsSequence = DicomSequence([Dataset()])
    frames = []
    for position in dicom.axial(depths):
        frame, place, orientation, measures = Dataset(), Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = list(position)
        orientation.ImageOrientationPatient = [1.0, 0, 0, 0, 1, 0]
        measures.PixelSpacing = [0.8, 0.6]
        frame.PlanePositionSequence = DicomSequence([place])
        frame.PlaneOrientationSequence = DicomSequence([orientation])
        frame.PixelMeasuresSequence = DicomSequence([measures])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    return dataset  # type: ignore[no-any-return]


def test_of_a_multi_frame_file(dicom: Any, tmp_path: Path) -> None:
    pydicom.dcmwrite(tmp_path / "ct.dcm", multi_frame(dicom, [0, 5, 2.5]), enforce_file_format=True)
    source = read_source_series(tmp_path / "ct.dcm")
    assert [one.frame for one in source.slices] == [0, 2, 1]
    shared = source.header.SharedFunctionalGroupsSequence[0]
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
    assert shared.PixelMeasuresSequence[0].SliceThickness == 2.5


def test_several_multi_frame_files_are_refused(dicom: Any, tmp_path: Path) -> None:
    for name, depths in (("a.dcm", [0.0, 1.0]), ("b.dcm", [2.0, 3.0])):
        pydicom.dcmwrite(tmp_path / name, multi_frame(dicom, depths), enforce_file_format=True)
    assert "its frames stand in 2 multi-frame files, where one or single slices are needed" in refused(tmp_path)
