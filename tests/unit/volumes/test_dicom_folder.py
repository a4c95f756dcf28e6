from pathlib import Path
from typing import Any

from sneakynet.volumes.dicom_folder import DicomFolder, dicom_folders, first_dicom_file


def test_folders_that_hold_dicom(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path / "b" / "deep" / "deeper", dicom.axial([0, 1]))
    damaged = tmp_path / "a" / "slice"
    damaged.parent.mkdir()
    damaged.write_bytes(bytes(128) + b"DICM" + b"\xff" * 40)
    for name in ("c/notes.txt", "d/scan.nii.gz", ".e/slice"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(damaged.read_bytes() if name != "c/notes.txt" else b"notes")
    assert dicom_folders(tmp_path) == (DicomFolder(tmp_path / "a", ""), DicomFolder(tmp_path / "b", "1.2.3"))


def test_dicom_right_in_a_folder(dicom: Any, tmp_path: Path) -> None:
    dicom.series(tmp_path / "series", dicom.axial([0]))
    assert first_dicom_file(tmp_path) is None
    assert first_dicom_file(tmp_path / "series") == tmp_path / "series" / "001.dcm"
