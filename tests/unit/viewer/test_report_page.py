"""The report page."""

import json
import re

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.scores import ScoreRow, Scores
from sneakynet.viewer.case_pictures import SlicePictures
from sneakynet.viewer.report_page import report_page, summary_words, worst_cases

EVIL = "</script><img src=x onerror=alert(1)>&\"'"


def scores_of(table, cases, *, value=0.5):
    rows = {
        (case, bone.name): ScoreRow(case, bone.id, bone.name, bone.group, {"dsc": value}, named_as=bone.name)
        for case in cases
        for bone in table
    }
    return Scores("mine", rows, ("dsc",))


def counts_of(table, *, confused=()):
    counts = np.diag([100] * table.n_classes)
    for reference, prediction, voxels in confused:
        counts[reference, prediction] = voxels
    return counts


@pytest.fixture(scope="module")
def full():
    """The page of all 125 bones in two cases, with one case's picture."""
    table = BoneTable.default()
    slices = [SlicePictures("coronal", *["data:image/png;base64,AAAA"] * 3, wrong=3, width=4, height=5)]
    swapped = (table["hip_left"].id, table["hip_right"].id, 25)
    return report_page(
        scores_of(table, ("one", "two")), counts_of(table, confused=[swapped]), table=table, pictures={"two": slices}
    )


def embedded(text, name):
    return json.loads(re.search(rf'id="{name}">(.*?)</script>', text, re.DOTALL)[1])


def test_every_bone_is_there(full, read_page):
    page = read_page(full)
    rows = [attrs["data-bone"] for tag, attrs in page.tags if tag == "tr" and "data-bone" in attrs]
    assert rows == [bone.name for bone in BoneTable.default()]
    assert {(row[0], row[1]) for row in embedded(full, "rows-data")["rows"]} == {
        (case, bone.name) for case in ("one", "two") for bone in BoneTable.default()
    }
    assert len(embedded(full, "matrix-data")["names"]) == 126


def test_confusions_and_pictures(full, read_page):
    page = read_page(full)
    assert "hip_left hip_right 25 20.0% the other side" in page.text
    assert "The coronal slice in which the most is wrong: 3 voxels." in page.text
    assert [a["alt"] for tag, a in page.tags if tag == "img"] == [
        f"two, coronal slice: {what}" for what in ("reference", "prediction", "wrong voxels, bright")
    ]


def test_nothing_is_loaded(full, read_page):
    assert all(address.startswith(("#", "data:")) for address in read_page(full).loads)
    assert not re.search(r"https?:|url\(|@import|//cdn", full)
    assert "default-src 'none'" in full


def test_ids_are_unique(full, read_page):
    ids = [attrs["id"] for _, attrs in read_page(full).tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_names_are_escaped(read_page):
    table = BoneTable((Bone(1, "head", group=EVIL), Bone(2, "tail", group="end")))
    scores = scores_of(table, (EVIL,))
    slices = [SlicePictures("axial", *["data:image/png;base64,AAAA"] * 3, wrong=0, width=4, height=5)]
    counts = counts_of(table, confused=[(1, 2, 3)])
    text = report_page(Scores(EVIL, scores.rows, scores.metrics), counts, table=table, pictures={EVIL: slices})
    assert "<img src=x" not in text
    page = read_page(text)
    assert EVIL in page.text
    assert all(address.startswith(("#", "data:")) for address in page.loads)
    assert embedded(text, "rows-data")["rows"][0][0] == EVIL
    assert EVIL in embedded(text, "matrix-data")["groups"]


def test_bones_of_no_reference_are_named(read_page):
    table = BoneTable((Bone(1, "head"), Bone(2, "tail"), Bone(3, "wing")))
    scores = scores_of(BoneTable((Bone(1, "head"),)), ("one",))
    counts = np.zeros((4, 4), dtype=np.int64)
    counts[1, 0] = 5
    page = read_page(report_page(scores, counts, table=table, pictures={}))
    assert "In no reference: tail, wing." in page.text


def test_words():
    table = BoneTable((Bone(1, "head"), Bone(2, "tail")))
    rows = {
        ("k", "head"): ScoreRow("k", 1, "head", "", {"dsc": 0.8}, named_as="head"),
        ("k", "tail"): ScoreRow("k", 2, "tail", "", {"dsc": 0.0}, named_as="head"),
    }
    first, missed, named = summary_words(Scores("m", rows, ("dsc",)), ())
    assert first.startswith("2 bones in 1 case were looked for. Half of them have a DSC of 0.400 or more")
    assert missed == "Not one voxel named right: 1 bone (50.0%)."
    assert named == "The most of 1 bone (50.0%) was given another bone's name."
    assert len(table) == 2


def test_the_worst_cases_come_first_and_are_few():
    rows = {
        (f"c{n}", "head"): ScoreRow(f"c{n}", 1, "head", "", {"dsc": value})
        for n, value in enumerate([0.9, 0.1, 0.5, 0.4, 0.3, 0.2, 0.6, 0.7])
    }
    scores = Scores("m", rows, ("dsc",))
    every = {f"c{n}" for n in range(8)}
    assert worst_cases(scores, erring=every) == ("c1", "c5", "c4", "c3", "c2", "c6")
    assert worst_cases(scores, erring=every - {"c5", "c2"}) == ("c1", "c4", "c3", "c6", "c7", "c0")
    assert worst_cases(scores, erring=frozenset()) == ()


@pytest.mark.parametrize(("confused", "faultless"), [([], True), ([(0, 1, 1)], False)])
def test_a_page_without_errors_says_so(read_page, confused, faultless):
    table = BoneTable((Bone(1, "head"),))
    counts = counts_of(table, confused=confused)
    page = read_page(report_page(scores_of(table, ("one",), value=1.0), counts, table=table, pictures={}))
    assert ("No voxel of any case is wrong." in page.text) == faultless
