from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from sneakynet.cohort.scans import case_name, find_scans, read_list
from sneakynet.errors import SettingError


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    folder = tmp_path / "cohort"
    folder.mkdir()
    return folder


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def found(*paths: Path, series: str | None = None) -> list[str]:
    """Names of the scans, below the folder of the first path."""
    scans = find_scans(paths, output=Path("out"), series=series)
    return [str(scan.relative_to(paths[0].parent)) for scan in scans]


def study(uid: str) -> Any:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.StudyInstanceUID = uid

    return edit


def test_files_and_what_is_missing_stand_for_themselves(cohort: Path) -> None:
    touch(cohort, "b.nii")
    assert found(cohort / "b.nii", cohort / "missing") == ["b.nii", "missing"]


def test_volume_files_and_zips_of_a_folder_are_its_scans(cohort: Path) -> None:
    touch(cohort, "b.nii.gz", "A.NRRD", "c.zip", "d.mhd", "d.raw", "b.json", "b.seg.nrrd", "._b.nii.gz", "x.png")
    (cohort / "deeper").mkdir()
    touch(cohort / "deeper", "e.nii.gz")
    assert found(cohort) == [f"cohort/{name}" for name in ("A.NRRD", "b.nii.gz", "c.zip", "d.mhd")]


def test_a_folder_without_any_is_left_to_the_reader(cohort: Path) -> None:
    touch(cohort, "notes.txt")
    assert found(cohort) == ["cohort"]


def test_a_dicom_folder_is_one_scan_with_all_its_folders(cohort: Path, dicom: Any) -> None:
    dicom.series(cohort, dicom.axial([0, 1]))
    dicom.series(cohort / "more", dicom.axial([2, 3]), edit=study("1.9"))
    assert found(cohort) == ["cohort"]


def test_folders_of_one_study_are_one_scan(cohort: Path, dicom: Any) -> None:
    dicom.series(cohort / "scout", dicom.axial([0, 1]), uid="1.2.1")
    dicom.series(cohort / "thorax", dicom.axial([0, 1]), uid="1.2.2")
    assert found(cohort) == ["cohort"]


def test_folders_of_several_studies_are_scans(cohort: Path, dicom: Any) -> None:
    dicom.series(cohort / "ben" / "study" / "series", dicom.axial([0, 1]), edit=study("1.8"))
    dicom.series(cohort / "ann", dicom.axial([0, 1]), edit=study("1.9"))
    (cohort / "notes").mkdir()
    touch(cohort / "notes", "notes.txt")
    assert found(cohort) == ["cohort/ann", "cohort/ben"]
    assert found(cohort, series="1.2.3.4") == ["cohort"]


def test_folders_that_do_not_say_their_study(cohort: Path, dicom: Any) -> None:
    dicom.series(cohort / "ann", dicom.axial([0, 1]))
    dicom.series(cohort / "ben", dicom.axial([0, 1]), edit=study(""))
    with pytest.raises(SettingError, match=r"2 of its folders hold DICOM, and that in ben does not say which study"):
        found(cohort)
    assert found(cohort, series="1") == ["cohort"]


@pytest.mark.parametrize(("where", "what"), [("", r"00\d.dcm"), ("ann", "ann")])
def test_volume_files_beside_dicom(cohort: Path, dicom: Any, where: str, what: str) -> None:
    dicom.series(cohort / where, dicom.axial([0, 1]))
    touch(cohort, "b.nii.gz")
    with pytest.raises(SettingError, match=rf"holds volume files \(b.nii.gz\) and DICOM \({what}\)"):
        found(cohort)


def test_a_folder_of_scans_gets_no_results(cohort: Path) -> None:
    touch(cohort, "b.nii.gz")
    with pytest.raises(SettingError, match=r"is read as a folder of 1 scan and cannot get their results too"):
        find_scans([cohort], output=cohort / ".." / "cohort")


def test_a_list(tmp_path: Path) -> None:
    path = tmp_path / "scans.txt"
    path.write_text("\ufeff# those of May\na.nii.gz\n\n  folder/b #2.nii  \r\n#c.nii\n", encoding="utf-8")
    assert read_list(path) == (Path("a.nii.gz"), Path("folder/b #2.nii"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot read the list .*scans.txt: No such file or directory; give a text file with one scan a line"),
        (b"\xff\xfe\x00", r"cannot read the list .*scans.txt: it is no UTF-8 text"),
        (b"# none\n\n", r"the list .*scans.txt names no scan; write one path a line"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "scans.txt").write_bytes(content)
    with pytest.raises(SettingError, match=message):
        read_list(tmp_path / "scans.txt")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.nii.gz", "a"),
        ("a.b.nii", "a.b"),
        ("scan.NRRD", "scan"),
        ("x.seg.nrrd", "x"),
        ("x.nhdr", "x"),
        ("study.zip", "study"),
        ("folder", "folder"),
        ("folder_0000", "folder_0000"),
        ("case_0000.nii.gz", "case"),
        ("_0000.nii", "_0000"),
        ("1.2.840", "1.2.840"),
        (".nii", ".nii"),
    ],
)
def test_names_of_cases(path: str, name: str) -> None:
    assert case_name(Path("there", path)) == name


def test_the_working_folder_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert case_name(Path()) == tmp_path.name
