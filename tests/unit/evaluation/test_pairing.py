"""Which prediction belongs to which reference."""

import logging
from pathlib import Path

import pytest

from sneakynet.errors import DatasetError
from sneakynet.evaluation.pairing import Pair, case_name, case_names, label_maps, pair_cases, scans_of


def folder(path, *names):
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("a.nii.gz", "a"),
        ("a.b.nii", "a.b"),
        ("A.SEG.NRRD", "A"),
        ("a.mha", "a"),
        ("case_0000.nii.gz", "case"),
        ("case_0001.nii.gz", "case_0001"),
        ("a.xyz", "a"),
    ],
)
def test_case_name(name, case):
    assert case_name(Path("x") / name) == case


def test_two_files_are_a_pair_whatever_their_names(tmp_path):
    (tmp_path / "mine.nii.gz").touch()
    (tmp_path / "truth.seg.nrrd").touch()
    prediction, reference = tmp_path / "mine.nii.gz", tmp_path / "truth.seg.nrrd"
    assert pair_cases(prediction, reference) == (Pair("mine", prediction, reference),)


def test_folders_pair_by_case_name(tmp_path, caplog):
    prediction = folder(tmp_path / "p", "b_0000.nii.gz", "a.seg.nrrd", "a.json", "a.png", ".part-a.nii.gz", "z.nii")
    reference = folder(tmp_path / "r", "a.nii.gz", "b.nii.gz", "notes.txt")
    with caplog.at_level(logging.WARNING):
        pairs = pair_cases(prediction, reference)
    assert pairs == (
        Pair("a", prediction / "a.seg.nrrd", reference / "a.nii.gz"),
        Pair("b", prediction / "b_0000.nii.gz", reference / "b.nii.gz"),
    )
    assert caplog.messages == [f"left out 1 prediction without a reference in {reference}: z"]


def test_refusals(tmp_path):
    one = folder(tmp_path / "one", "a.nii")
    many = folder(tmp_path / "many", "a.nii", *(f"case{n}.nii" for n in range(9)))
    twice = folder(tmp_path / "twice", "a.nii", "a.nii.gz")
    empty = folder(tmp_path / "empty", "a.txt")
    dataset = folder(tmp_path / "dataset")
    folder(dataset / "labelsTr", "a.nii")
    for pair, text in [
        ((tmp_path / "no", one), "there is no prediction .*no; give a label map or a folder of label maps"),
        ((one, tmp_path / "no"), "there is no reference"),
        ((one, one / "a.nii"), r"one is a folder and .*a.nii is a file; give two files or two folders"),
        ((one, many), r"no prediction for 9 of the 10 cases in .*: case0, case1, case2, case3, case4 \.\.\.; predict"),
        ((one, twice), "holds two files of the case a: a.nii and a.nii.gz; remove one"),
        ((empty, one), r"empty holds no label map; label maps end in .seg.nrrd, .nii.gz"),
        ((one, dataset), r"dataset holds no label map; its label maps are in .*labelsTr"),
    ]:
        with pytest.raises(DatasetError, match=text):
            pair_cases(*pair)


def test_label_maps_of_files_and_folders(tmp_path):
    results = folder(tmp_path / "r", "b.nii.gz", "a.seg.nrrd", "a.json", "a.confidence.nii.gz", "a.png")
    other = tmp_path / "c.nii"
    other.touch()
    assert label_maps([other, results, other]) == (other, results / "a.seg.nrrd", results / "b.nii.gz")


def test_label_maps_that_are_not_there(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no .*x, .*y; give label maps or folders of label maps"):
        label_maps([tmp_path / "x", tmp_path, tmp_path / "y"])
    with pytest.raises(DatasetError, match="holds no label map"):
        label_maps([tmp_path])


def test_scans_of_label_maps(tmp_path):
    labels = folder(tmp_path / "l", "a.nii.gz", "b.seg.nrrd")
    scans = folder(tmp_path / "s", "a_0000.nii.gz", "b.mha", "c.mha")
    dicom = folder(tmp_path / "d", "1.dcm", "2.dcm")
    one, two = label_maps([labels])
    assert scans_of([one, two], scans) == {one: scans / "a_0000.nii.gz", two: scans / "b.mha"}
    assert scans_of([two], scans) == {two: scans / "b.mha"}
    assert scans_of([two], scans / "c.mha") == {two: scans / "c.mha"}
    assert scans_of([one], dicom) == {one: dicom}


def test_label_maps_without_a_scan(tmp_path):
    one, two = label_maps([folder(tmp_path / "l", "a.nii.gz", "b.nii.gz")])
    scans = folder(tmp_path / "s", "a.nii.gz")
    with pytest.raises(DatasetError, match=r"has no scan for 1 of the 2 label maps: b; scans bear the case names"):
        scans_of([one, two], scans)
    with pytest.raises(DatasetError, match=r"a\.nii\.gz is one scan for 2 label maps; give a folder of scans"):
        scans_of([one, two], scans / "a.nii.gz")
    with pytest.raises(DatasetError, match="there is no scan"):
        scans_of([one], tmp_path / "x")


def test_names_of_cases_are_told_apart(tmp_path):
    files = (tmp_path / "p" / "ct.nii.gz", tmp_path / "q" / "ct.nii.gz", tmp_path / "other.nii")
    assert list(case_names(files).values()) == [str(tmp_path / "p" / "ct"), str(tmp_path / "q" / "ct"), "other"]
