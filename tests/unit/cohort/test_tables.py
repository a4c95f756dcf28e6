import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cohort.case import plan_cases
from sneakynet.cohort.tables import write_tables
from sneakynet.export.statistics import case_record, write_record
from sneakynet.inference.segmentation import Segmentation
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@pytest.fixture
def cases(tmp_path):
    """Three cases that were done, and one that was not."""
    scans = [tmp_path / f"{name}.nii.gz" for name in "abcd"]
    cases = plan_cases(scans, tmp_path / "out", format="nii.gz")
    (tmp_path / "out").mkdir()
    for width, case in enumerate(cases[:3], start=2):
        labels = np.zeros((9, 9, 9), dtype=np.uint8)
        labels[2 : 2 + width, 2:6, 2:6] = TABLE["sacrum"].id
        volume = Volume(labels, np.eye(4))
        write_record(case.statistics, case_record(Segmentation(volume, TABLE), volume, case=case.name))
        case.labels.touch()
    return cases


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_all_that_have_labels(tmp_path, cases):
    write_tables(tmp_path / "out", cases)
    bones = rows(tmp_path / "out" / "bones.csv")
    assert [(row["case"], row["name"], row["voxels"]) for row in bones] == [
        ("a", "sacrum", "32"),
        ("b", "sacrum", "48"),
        ("c", "sacrum", "64"),
    ]
    volume = rows(tmp_path / "out" / "cohort.csv")[0]
    assert (volume["measure"], volume["n"], volume["median"]) == ("volume_ml", "3", "0.048")


def test_statistics_of_an_older_version_are_left_out(tmp_path, cases, caplog):
    record = json.loads(cases[0].statistics.read_text())
    cases[0].statistics.write_text(json.dumps({**record, "format_version": 1}))
    write_tables(tmp_path / "out", cases)
    assert [row["case"] for row in rows(tmp_path / "out" / "bones.csv")] == ["b", "c"]
    assert "of version 1" in caplog.text
    assert "bones.csv and cohort.csv go without it" in caplog.text


def test_one_case_is_no_cohort(tmp_path, cases):
    gone = [replace(case, labels=tmp_path / "gone") for case in cases[1:]]
    write_tables(tmp_path / "out", [cases[0], *gone])
    assert not (tmp_path / "out" / "cohort.csv").exists()
