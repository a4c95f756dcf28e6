import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sneakynet.errors import VolumeError
from sneakynet.volumes.stamp import Stamp, check_unchanged


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    """Other content of the same size."""
    before = path.stat().st_mtime_ns
    path.write_bytes(b"x" * path.stat().st_size)
    os.utime(path, ns=(before, before + 1))


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (grow, r"scan.nii.gz had 4 bytes and has 8"),
        (rewrite, r"scan.nii.gz was written anew"),
        (Path.unlink, r"scan.nii.gz is gone"),
    ],
)
def test_a_file_that_changed(tmp_path: Path, change: Callable[[Path], None], how: str) -> None:
    scan = tmp_path / "scan.nii.gz"
    scan.write_bytes(b"half")
    before = Stamp.of(scan)
    check_unchanged(scan, before)
    change(scan)
    with pytest.raises(VolumeError, match=rf"the scan changed while .*{how}\), so nothing was written; run again once"):
        check_unchanged(scan, before)


def test_a_folder_to_which_a_slice_came(tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "1").touch()
    before = Stamp.of(tmp_path)
    check_unchanged(tmp_path, before)
    (tmp_path / "series" / "2").touch()
    with pytest.raises(VolumeError, match=r"series.2 is new"):
        check_unchanged(tmp_path, before)


def test_results_may_come_into_a_folder_of_slices(tmp_path: Path) -> None:
    (tmp_path / "1").touch()
    before = Stamp.of(tmp_path)
    for name in ("case.nii.gz", "case.seg.nrrd", "case.json", "case.png", ".part-0123abcd-case.png", ".DS_Store"):
        (tmp_path / name).touch()
    check_unchanged(tmp_path, before)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("scan.mhd", "ElementDataFile = scan.raw"),
        ("scan.nhdr", "data file: ./scan.raw"),
        ("a.nhdr", "datafile:scan.raw"),
    ],
)
def test_voxels_in_a_file_of_their_own(tmp_path: Path, header: str, line: str) -> None:
    (tmp_path / header).write_text(f"NDims = 3\n{line}\n")
    (tmp_path / "scan.raw").touch()
    before = Stamp.of(tmp_path / header)
    grow(tmp_path / "scan.raw")
    with pytest.raises(VolumeError, match=r"scan.raw had 0 bytes and has 4"):
        check_unchanged(tmp_path / header, before)


def test_what_is_not_there_yet(tmp_path: Path) -> None:
    before = Stamp.of(tmp_path / "scan.mhd")
    assert before == Stamp({})
    (tmp_path / "scan.mhd").touch()
    with pytest.raises(VolumeError, match=r"scan.mhd is new"):
        check_unchanged(tmp_path / "scan.mhd", before)
