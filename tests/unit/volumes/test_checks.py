from pathlib import Path

import numpy as np
import pytest

from sneakynet.errors import VolumeError
from sneakynet.volumes.checks import existing_file, label_volume, scan_volume

PATH = Path("case.nii.gz")
SCAN = np.linspace(-1000, 1500, 27).reshape(3, 3, 3)


def test_a_missing_path(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match=r"nowhere.nii: no such file or folder"):
        existing_file(tmp_path / "nowhere.nii")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.nii").touch()
    with pytest.raises(VolumeError, match=r"empty.nii: the file is empty; copy or export it again"):
        existing_file(tmp_path / "empty.nii")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.nii").write_text("text")
    # Root may read everything, so that the answer has to be made up.
    monkeypatch.setattr("sneakynet.volumes.checks.os.access", lambda path, mode: False)
    with pytest.raises(VolumeError, match=r"mine.nii: no permission to read it"):
        existing_file(tmp_path / "mine.nii")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_number_are_counted(value: float) -> None:
    voxels = SCAN.copy()
    voxels[0, 0, :2] = value
    with pytest.raises(VolumeError, match=r"2 of 27 voxels are NaN or infinite; replace them first \(outside .* -1024"):
        scan_volume(PATH, voxels, np.eye(4))


def test_a_constant_scan() -> None:
    with pytest.raises(VolumeError, match=r"case.nii.gz: every voxel is -1024; this scan shows nothing"):
        scan_volume(PATH, np.full((3, 3, 3), -1024, dtype=np.int16), np.eye(4))


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0.0, 1.0), (0, 4095), (-1024, 60), (-1e9, 1500), (-1024, 1e33)])
def test_values_that_are_no_hounsfield_units_warn(low: float, high: float, caplog: pytest.LogCaptureFixture) -> None:
    scan_volume(PATH, np.linspace(low, high, 27).reshape(3, 3, 3), np.eye(4))
    assert f"values from {low:g} to {high:g} do not look like Hounsfield units" in caplog.text


def test_hounsfield_units_do_not_warn(caplog: pytest.LogCaptureFixture) -> None:
    scan_volume(PATH, SCAN, np.eye(4))
    assert not caplog.records


@pytest.mark.parametrize(
    ("voxels", "dtype"),
    [
        (np.array([0, 255]), np.uint8),
        (np.array([0, 256], dtype=np.int64), np.uint16),
        (np.array([0.0, 3.0], dtype=np.float32), np.uint8),
        (np.array([5, 5], dtype=np.int16), np.uint8),
    ],
)
def test_labels_get_the_smallest_type(voxels: np.ndarray, dtype: type) -> None:
    labels = label_volume(PATH, np.tile(voxels, 4).reshape(2, 2, 2), np.eye(4))
    assert labels.voxels.dtype == dtype


@pytest.mark.parametrize(
    ("voxels", "message"),
    [
        (
            np.array([0.0, 0.25]),
            r"a label map holds whole numbers, this one holds 0.25; is it a scan or a probability map",
        ),
        (np.array([-1, 3]), r"labels from -1 to 3; a label map holds whole numbers from 0 to 65535"),
        (np.array([0, 70000]), r"labels from 0 to 70000; a label map holds"),
        (np.array([0, np.nan]), r"labels from nan to nan; a label map holds"),
    ],
)
def test_arrays_that_are_no_labels(voxels: np.ndarray, message: str) -> None:
    with pytest.raises(VolumeError, match=message):
        label_volume(PATH, np.tile(voxels, 4).reshape(2, 2, 2), np.eye(4))
