from pathlib import Path

import pytest

from sneakynet.cohort.case import Case, Outcome, plan_cases
from sneakynet.errors import SettingError

OUT = Path("out")


def test_files_of_a_case() -> None:
    (case,) = plan_cases([Path("in/a_0000.nii.gz")], OUT, format="nii.gz", series="2")
    assert case == Case(
        name="a",
        input=Path("in/a_0000.nii.gz"),
        labels=OUT / "a.nii.gz",
        statistics=OUT / "a.json",
        preview=OUT / "a.png",
        series="2",
    )
    assert {file.name for file in case.files} == {"a.nii.gz", "a.labels.json", "a.json", "a.png"}


def test_a_case_without_picture() -> None:
    (case,) = plan_cases([Path("a.nii")], OUT, format="seg.nrrd", preview=False)
    assert case.labels == OUT / "a.seg.nrrd"
    assert case.preview is None
    assert OUT / "a.png" not in case.files


def test_outcomes() -> None:
    (case,) = plan_cases([Path("a.nii")], OUT, format="nii.gz")
    assert case.skipped() == Outcome("a", "skipped", labels="out/a.nii.gz")
    assert case.failed("torn") == Outcome("a", "failed", error="torn")
    assert case.done(bones=3, seconds=1.5) == Outcome(
        "a", "done", labels="out/a.nii.gz", statistics="out/a.json", preview="out/a.png", bones=3, seconds=1.5
    )


@pytest.mark.parametrize(
    ("scans", "message"),
    [
        ([], "no scan was given; name at least one file or DICOM folder"),
        (["a.nii", "b/a.nii.gz"], "a.nii and b/a.nii.gz would both be written as 'a'; rename one, or run them into"),
        (["a.nii", "a_0000.nii"], "a.nii and a_0000.nii would both be written as 'a'"),
        (["a.nii", "a.labels.nii"], "a.nii and a.labels.nii would both be written to a.labels.json"),
        (["a.nii", "out/b.nii.gz"], "the labels would overwrite the scan out/b.nii.gz; choose another output folder"),
        (["out/../out/a_0000.nii.gz", "x/b.nii", "out/x.nii.gz"], "the labels would overwrite the scan out/x.nii.gz"),
    ],
)
def test_plans_that_are_refused(scans: list[str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        plan_cases(map(Path, scans), OUT, format="nii.gz")
