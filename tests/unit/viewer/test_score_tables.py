"""The tables of the report page."""

import math

import pytest

from sneakynet.evaluation.scores import ScoreRow, Scores
from sneakynet.viewer import score_tables
from sneakynet.viewer.score_tables import bone_lines, case_lines, rows_data


def row(case, bone, dsc, *, swap=math.nan, hd95=math.nan, label=1):
    return ScoreRow(
        case,
        label,
        bone,
        "top",
        {"dsc": dsc, "hd95": hd95, "side_swap": swap},
        voxels_reference=9,
        voxels_prediction=8,
        cut_off=case == "two",
        named_as="wing",
    )


@pytest.fixture
def scores():
    rows = [
        row("one", "tail", 0.9, label=2),
        row("one", "head", 0.6, swap=0.0, hd95=1.234),
        row("two", "head", 0.0, swap=0.6),
        row("three", "head", 0.7, swap=0.0, hd95=3.0),
    ]
    return Scores("m", {(r.case, r.name): r for r in rows}, ("dsc", "hd95", "side_swap"))


def test_bones(scores):
    head, tail = bone_lines(scores)  # by id
    assert (head.name, head.cases, head.missed, head.worst, head.worst_case) == ("head", 3, 1, 0, "two")
    assert head.medians == pytest.approx({"dsc": 0.6, "hd95": 2.117, "side_swap": 0.2})
    assert tail.medians["dsc"] == 0.9
    assert math.isnan(tail.medians["hd95"])


def test_cases_begin_with_the_worst(scores):
    two, three, one = case_lines(scores)
    assert (two.case, two.bones, two.missed, two.mean_dsc) == ("two", 1, 1, 0)
    assert three.case == "three"
    assert (one.mean_dsc, one.median_dsc) == pytest.approx((0.75, 0.75))
    assert [r.name for r in one.worst] == ["head", "tail"]


def test_rows_for_the_script(scores, monkeypatch):
    data = rows_data(scores)
    assert [column[0] for column in data["columns"]][:5] == ["case", "name", "group", "dsc", "hd95"]
    assert data["rows"][0] == ["two", "head", "top", 0, None, 0.6, 9, 8, "yes", "wing"]
    assert data["rows"][1] == ["one", "head", "top", 0.6, 1.23, 0, 9, 8, "", "wing"]
    assert data["left_out"] == 0
    monkeypatch.setattr(score_tables, "_MOST_ROWS", 3)
    short = rows_data(scores)
    assert (len(short["rows"]), short["left_out"]) == (3, 1)
    assert short["rows"] == data["rows"][:3]
