"""The files that an evaluation leaves, and its summary."""

import json

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import OutputError
from sneakynet.evaluation.case import compare
from sneakynet.evaluation.report import FILES, Evaluation, write_files
from sneakynet.evaluation.summary import summary_of
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "head", group="top"), Bone(2, "tail", group="end")))


def volume(*labels):
    return Volume(np.array(labels, dtype=np.uint8).reshape(-1, 1, 1), np.eye(4))


@pytest.fixture
def evaluation():
    results = [
        compare(volume(1, 1, 0, 0), volume(1, 1, 2, 0), table=TABLE, case="one", surface=False),
        compare(volume(1, 1, 1, 0), volume(1, 0, 0, 0), table=TABLE, case="two", surface=False),
    ]
    return Evaluation(results, summary_of(results, TABLE), TABLE)


def test_files(evaluation, tmp_path):
    write_files(tmp_path, evaluation, FILES)
    assert (tmp_path / "per_class.csv").read_text() == (
        "case,id,name,group,dsc,iou,nsd_1voxel,nsd_3mm,hd95,msd,voxels_reference,voxels_prediction,cut_off,identified,"
        "named_as,side_swap,neighbour_shift,far\n"
        "one,1,head,top,1.000000,1.000000,,,,,2,2,1,1,head,,,0.000000\n"
        "one,2,tail,end,0.000000,0.000000,,,,,1,0,1,0,background,,,0.000000\n"
        "two,1,head,top,0.500000,0.333333,,,,,1,3,1,1,head,,,0.000000\n"
    )
    assert (tmp_path / "confusion.csv").read_text() == (
        "reference_id,reference,prediction_id,prediction,voxels,share\n"
        "0,background,0,background,2,0.500000\n"
        "0,background,1,head,2,0.500000\n"
        "1,head,1,head,3,1.000000\n"
        "2,tail,0,background,1,1.000000\n"
    )
    assert (tmp_path / "faults.csv").read_text() == "case,fault,bone\none,missed,tail\n"
    assert json.loads((tmp_path / "summary.json").read_text())["median_dsc"] == 0.75
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_all_files_or_none(evaluation, tmp_path):
    (tmp_path / "per_class.csv").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*per_class.csv: it is a folder"):
        write_files(tmp_path, evaluation, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["per_class.csv"]
