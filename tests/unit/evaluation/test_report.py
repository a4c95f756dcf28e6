"""The files that an evaluation leaves."""

import json

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import DatasetError, OutputError
from sneakynet.evaluation.case import CaseResult, compare
from sneakynet.evaluation.report import summary_of, write_report
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "head", group="top"), Bone(2, "tail", group="end")))


def volume(*labels):
    return Volume(np.array(labels, dtype=np.uint8).reshape(-1, 1, 1), np.eye(4))


@pytest.fixture
def results():
    return [
        compare(volume(1, 1, 0, 0), volume(1, 1, 2, 0), table=TABLE, case="one"),
        compare(volume(1, 1, 1, 0), volume(1, 0, 0, 0), table=TABLE, case="two"),
    ]


def test_files(results, tmp_path):
    write_report(tmp_path, results, summary_of(results))
    assert (tmp_path / "per_class.csv").read_text() == (
        "case,id,name,group,dsc,voxels_reference,voxels_prediction\n"
        "one,1,head,top,1.000000,2,2\n"
        "one,2,tail,end,0.000000,1,0\n"
        "two,1,head,top,0.500000,1,3\n"
    )
    # Scores above zero are 0.5 and 1; one of the three pairs is zero. Any bone: 4/5 and 2/4.
    assert json.loads((tmp_path / "summary.json").read_text()) == {
        "median_dsc": 0.75,
        "plus_p84": 0.17,
        "minus_p16": 0.17,
        "nonzero_share": 0.666667,
        "cases": 2,
        "pairs": 3,
        "bone_dsc": 0.65,
    }
    assert len(list(tmp_path.iterdir())) == 2


def test_both_files_or_neither(results, tmp_path):
    (tmp_path / "per_class.csv").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*per_class.csv: it is a folder"):
        write_report(tmp_path, results, summary_of(results))
    assert [path.name for path in tmp_path.iterdir()] == ["per_class.csv"]


def test_a_reference_without_bones_is_refused():
    empty = compare(volume(1, 1), volume(0, 0), table=TABLE, case="k")
    with pytest.raises(
        DatasetError, match=r"the reference of k holds no bone .* prediction and reference are not swapped"
    ):
        summary_of([empty])
    with pytest.raises(DatasetError, match="the reference of all 2 cases holds no bone"):
        summary_of([empty, CaseResult("l", empty.counts, (), 0.0)])
