import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.total_dataset import is_total_dataset, read_total_dataset
from sneakynet.errors import DatasetError

TABLE = BoneTable.default()


@pytest.fixture
def dataset(tmp_path):
    for name in ("s0001", "s0002", "s0003"):
        masks = tmp_path / name / "segmentations"
        masks.mkdir(parents=True)
        (tmp_path / name / "ct.nii.gz").touch()
        (masks / "sacrum.nii.gz").touch()
    return tmp_path


def test_cases_are_folders(dataset):
    (dataset / "s0003" / "ct.nii.gz").unlink()
    (dataset / "s0002" / "segmentations" / "sacrum.nii.gz").unlink()
    (dataset / "notes").mkdir()

    found = read_total_dataset(dataset, table=TABLE)

    assert is_total_dataset(dataset)
    (case,) = found.cases
    assert (case.name, case.labels) == ("s0001", dataset / "s0001" / "segmentations")
    assert case.files == (dataset / "s0001" / "ct.nii.gz", dataset / "s0001" / "segmentations" / "sacrum.nii.gz")
    assert found.faults == (
        "case s0002: no mask in segmentations; add them or remove the scan",
        "case s0003: no scan ct.nii.gz; add it or remove the masks",
    )
    assert found.splits == ()


@pytest.mark.parametrize("separator", [";", ","])
def test_meta_csv_says_who_is_held_out(dataset, separator):
    rows = [("image_id", "age", "split"), ("s0001", "60", "train"), ("s0002", "50", "val"), ("s0003", "4", "test")]
    rows.append(("s0999", "1", "train"))
    (dataset / "meta.csv").write_text("".join(separator.join(row) + "\n" for row in rows))

    assert read_total_dataset(dataset, table=TABLE).splits == ((("s0001",), ("s0002",)),)


def test_another_meta_csv_says_nothing(dataset):
    (dataset / "meta.csv").write_text("image_id;age\ns0001;60\n")

    found = read_total_dataset(dataset, table=TABLE)

    assert (found.splits, found.faults) == ((), ())


def test_no_case(tmp_path):
    (tmp_path / "s0001" / "segmentations").mkdir(parents=True)

    with pytest.raises(DatasetError, match=r"no case: there is no folder with ct\.nii\.gz and masks in segmentations"):
        read_total_dataset(tmp_path, table=TABLE)
