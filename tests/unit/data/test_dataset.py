"""Datasets in nnU-Net's raw layout: cases, labels, splits, and faults."""

import json

import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.dataset import read_dataset, split_cases
from sneakynet.errors import DatasetError

TABLE = BoneTable.default()


@pytest.fixture
def folder(tmp_path):
    """Two cases whose files are empty: the listing reads no voxel."""
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name).mkdir()
    for case in ("b", "a"):
        (tmp_path / "imagesTr" / f"{case}_0000.nii.gz").touch()
        (tmp_path / "labelsTr" / f"{case}.nii.gz").touch()
    describe(tmp_path, labels={"background": 0, "sacrum": 5, "hip_left": 2})
    return tmp_path


def describe(folder, **changes):
    description = {"channel_names": {"0": "CT"}, "file_ending": ".nii.gz", "numTraining": 2, **changes}
    (folder / "dataset.json").write_text(json.dumps(description))


def test_cases_and_ids(folder):
    dataset = read_dataset(folder, table=TABLE)
    assert [case.name for case in dataset.cases] == ["a", "b"]
    assert dataset.cases[0].scan == folder / "imagesTr" / "a_0000.nii.gz"
    assert dataset.ids == {0: 0, 5: TABLE["sacrum"].id, 2: TABLE["hip_left"].id}
    assert dataset.faults == ()


def test_the_ignore_label(folder):
    describe(folder, labels={"background": 0, "sacrum": 5, "ignore": 6})
    dataset = read_dataset(folder, table=TABLE)
    assert (dataset.ids, dataset.ignore, dataset.faults) == ({0: 0, 5: TABLE["sacrum"].id}, 6, ())


@pytest.mark.parametrize(
    ("value", "fault"),
    [(5, "label 5 stands for both sacrum and ignore"), (0, "label 0 is background and cannot stand for ignore")],
)
def test_an_ignore_label_that_is_another_too(folder, value, fault):
    describe(folder, labels={"background": 0, "sacrum": 5, "ignore": value})
    assert read_dataset(folder, table=TABLE).faults == (fault,)


def test_hidden_files_are_no_cases(folder):
    for name in ("imagesTr/._a_0000.nii.gz", "labelsTr/._a.nii.gz", "imagesTr/.part-1234-c_0000.nii.gz"):
        (folder / name).touch()
    dataset = read_dataset(folder, table=TABLE)
    assert [case.name for case in dataset.cases] == ["a", "b"]
    assert dataset.faults == ()


def test_names_of_other_schemes_are_understood(folder):
    bone = next(b for b in TABLE if any(not a.isdigit() and a != b.name for a in b.aliases.get("phantom", ())))
    alias = next(a for a in bone.aliases["phantom"] if not a.isdigit() and TABLE.find(a) == bone)
    describe(folder, labels={"background": 0, alias: 1})
    assert read_dataset(folder, table=TABLE).ids[1] == bone.id


def test_faults_are_collected(folder):
    (folder / "labelsTr" / "a.nii.gz").unlink()
    (folder / "imagesTr" / "c_0000.nii.gz").touch()
    describe(folder, labels={"background": 0, "liver": 7}, channel_names={"0": "CT", "1": "PET"})
    faults = "\n".join(read_dataset(folder, table=TABLE).faults)
    assert "label 'liver' (7) is not in the bone table; rename it or give its table with --table" in faults
    assert "channel_names must hold one channel" in faults
    assert "case a: no label map labelsTr/a.nii.gz" in faults
    assert "case c: no label map labelsTr/c.nii.gz" in faults


def test_two_names_for_one_label(folder):
    describe(folder, labels={"background": 0, "sacrum": 3, "hip_left": 3})
    assert read_dataset(folder, table=TABLE).faults == ("label 3 stands for both sacrum and hip_left",)


@pytest.mark.parametrize("labels", [None, {"0": "background"}, {"background": 0, "region": [1, 2]}])
def test_labels_of_another_kind(folder, labels):
    describe(folder, labels=labels)
    assert "labels must map each name to one whole number" in read_dataset(folder, table=TABLE).faults[0]


def test_no_case(folder):
    for path in (folder / "imagesTr").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"3 faults(.|\n)*case a: no scan(.|\n)*no case: there is no pair"):
        read_dataset(folder, table=TABLE)


def test_no_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no folder .*nowhere; give a dataset in nnU-Net's raw layout"):
        read_dataset(tmp_path / "nowhere", table=TABLE)


def test_no_description(tmp_path):
    with pytest.raises(DatasetError, match=r"is no dataset: it has no dataset\.json"):
        read_dataset(tmp_path, table=TABLE)


@pytest.mark.parametrize(("text", "fault"), [("{", "cannot read .*dataset.json"), ("[]", "must hold an object")])
def test_broken_description(folder, text, fault):
    (folder / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match=fault):
        read_dataset(folder, table=TABLE)


def test_split_holds_out_a_tenth():
    names = [f"case_{n}" for n in range(30)]
    training, validation = split_cases(names, validation=None, seed=1)
    assert len(validation) == 3
    assert sorted(training + validation) == sorted(names)
    assert split_cases(names[::-1], validation=None, seed=1) == (training, validation)
    assert split_cases(names, validation=None, seed=2) != (training, validation)


def test_split_of_one_case_is_refused():
    with pytest.raises(DatasetError, match="the dataset has 1 case, training needs at least 2"):
        split_cases(["only"], validation=None, seed=0)


def test_split_without_training_cases_is_refused():
    with pytest.raises(DatasetError, match="cannot hold out 3 of 3 cases for validation; choose 1 to 2"):
        split_cases(["a", "b", "c"], validation=3, seed=0)
