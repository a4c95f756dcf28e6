"""Which prediction belongs to which reference."""

import logging
from pathlib import Path

import pytest

from sneakynet.errors import DatasetError
from sneakynet.evaluation.pairing import Pair, case_name, pair_cases


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
    assert caplog.messages == [f"1 predictions have no reference in {reference} and are left out: z"]


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
