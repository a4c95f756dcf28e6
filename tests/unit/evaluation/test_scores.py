"""Reading per_class.csv."""

import math

import pytest

from sneakynet.errors import DatasetError
from sneakynet.evaluation.scores import read_scores

HEADER = "case,id,name,group,dsc,hd95,voxels_reference,voxels_prediction,cut_off,named_as,other\n"


def write(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / "per_class.csv").write_text(text)
    return folder


def test_rows(tmp_path):
    folder = write(
        tmp_path / "mine",
        HEADER + "b,2,tail,end,0.5,,9,4,1,head,x\nb,1,head,top,1.000000,2.5,7,7,0,head,\na,1,head,top,nan,nan,3,,,,\n",
    )
    scores = read_scores(folder)
    assert scores.name == "mine"
    assert scores.cases == ("b", "a")
    assert scores.groups == ("top", "end")  # by id
    assert scores.metrics == ("dsc", "hd95")
    tail, head, unknown = scores.rows.values()
    assert (tail.id, tail.values["dsc"], tail.voxels_reference, tail.voxels_prediction) == (2, 0.5, 9, 4)
    assert (tail.cut_off, tail.named_as) == (True, "head")
    assert math.isnan(tail.values["hd95"])
    assert head.values == {"dsc": 1, "hd95": 2.5}
    assert all(map(math.isnan, unknown.values.values()))
    assert (unknown.voxels_prediction, unknown.cut_off, unknown.named_as) == (0, False, "")


def test_a_column_without_values_is_no_metric(tmp_path):
    scores = read_scores(write(tmp_path, HEADER + "a,1,head,top,0.5,,1,1,,,\na,2,tail,end,0.5,nan,1,1,,,\n"), name="m")
    assert scores.metrics == ("dsc",)
    assert scores.name == "m"


def test_bones_of_no_group(tmp_path):
    scores = read_scores(write(tmp_path, HEADER + "a,1,head,,0.5,,1,1,,,\na,2,tail,end,0.5,,1,1,,,\n"))
    assert scores.groups == ("end",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the columns case, name, group"),
        ("case,name,group\na,b,c\n", "lacks the columns any of dsc, iou"),
        ("case,dsc\n", "lacks the columns name, group"),
        (HEADER, "is no table of scores: it holds no row"),
        (HEADER + "a,1,head,top,good,,1,1,,,\na,1,,top,1,,1,1,,,\n", "line 2: dsc is 'good'.*; line 3: no name"),
        (HEADER + "a,1,head,top,1,,1,1,,,\na,1,head,top,1,,1,1,,,\n", "line 3: head of the case a was there before"),
        (HEADER + "a,x,head,top,1,,1,1,,,\n" * 7, r"line 6: id is 'x', which is no number and 2 more"),
    ],
)
def test_faults(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message):
        read_scores(write(tmp_path, text))


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no .*per_class\.csv; give a folder that `sneakynet evaluate`"):
        read_scores(tmp_path)
    (tmp_path / "per_class.csv").write_bytes(b"case,name,group,dsc\n\xff\xfe,1\n")
    with pytest.raises(DatasetError, match=r"cannot read .*per_class\.csv"):
        read_scores(tmp_path)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("k,hip,pelvis,7.5", "dsc is 7.5, which is not from 0 to 1"),
        ("k,hip,pelvis,inf", "dsc is inf, which is no finite number"),
        ("k,hip,pelvis", "the line has another number of cells than the first"),
        ("k,hip,pelvis,0.5,0.5", "the line has another number of cells than the first"),
    ],
)
def test_values_that_cannot_be(tmp_path, line, fault):
    (tmp_path / "per_class.csv").write_text(f"case,name,group,dsc\nk,femur,leg,0.5\n{line}\n")
    with pytest.raises(DatasetError, match=f"line 3: {fault}"):
        read_scores(tmp_path)
