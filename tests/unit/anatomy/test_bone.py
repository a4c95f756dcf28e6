"""The class that reads bone tables: what it holds, finds and refuses."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError

LEFT = Bone(1, "arm_left", side="left", mirror="arm_right", aliases={"other": ("7", "8", "left_arm")})
RIGHT = Bone(2, "arm_right", side="right", mirror="arm_left", aliases={"other": ("9", "shared")})
HEAD = Bone(3, "head", aliases={"other": ("shared",)})
TABLE = BoneTable((LEFT, RIGHT, HEAD))


def test_ids_names_and_classes():
    assert len(TABLE) == 3
    assert TABLE.n_classes == 4
    assert TABLE.names == ("arm_left", "arm_right", "head")
    assert [bone.id for bone in TABLE] == [1, 2, 3]
    assert TABLE["head"] is HEAD
    assert TABLE.by_id(2) is RIGHT
    assert "head" in TABLE
    assert "tail" not in TABLE


def test_mirror_lut_swaps_partners_and_keeps_the_rest():
    assert TABLE.mirror_lut().tolist() == [0, 2, 1, 3]
    assert TABLE.mirror_lut().dtype == np.int64


def test_alias_lut_takes_labels_and_leaves_names():
    assert TABLE.alias_lut("other") == {7: 1, 8: 1, 9: 2}


def test_find_takes_names_and_aliases_that_only_one_bone_has():
    assert TABLE.find("head") is HEAD
    assert TABLE.find("left_arm") is LEFT
    assert TABLE.find("shared") is None  # two bones
    assert TABLE.find("7") is None  # a label says nothing without its scheme
    assert TABLE.find("tail") is None


def test_json_round_trip_keeps_everything():
    assert BoneTable.from_json(TABLE.to_json()) == TABLE


def test_a_table_can_be_hashed_and_sent_to_another_process():
    assert hash(TABLE) == hash(BoneTable((LEFT, RIGHT, HEAD)))
    assert pickle.loads(pickle.dumps(TABLE)) == TABLE


def test_read_takes_a_file_with_ids_and_names_only(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,id\ntail,2\nhead,1\n")
    table = BoneTable.read(path)
    assert table.names == ("head", "tail")
    assert table["head"].side is None
    assert table["head"].color != table["tail"].color


def test_read_takes_every_column_and_any_scheme(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "\ufeffid,name,side,mirror,group,series,index,color,snomed_code,snomed_meaning,atlas_id,atlas_name,mesh\n"
        "1,rib_left_1,left,rib_right_1,ribs,rib_left,1,#A0B0C0,48535007,First rib,5; 6,Rib 1,r1.stl\n"
        "2,rib_right_1,right,rib_left_1,ribs,rib_right,1,#a1b1c1,,,,,\n",
        encoding="utf-8",
    )
    assert BoneTable.read(path)["rib_left_1"] == Bone(
        1, "rib_left_1", "left", "rib_right_1", "ribs", "rib_left", 1, "#a0b0c0", "48535007", "First rib",
        {"atlas": ("5", "6", "Rib 1"), "mesh": ("r1.stl",)},
    )  # fmt: skip


def test_read_reports_all_faults_of_a_file_together(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(
        "id,name,side,mirror,series,index,color,snomed_code,atlas_id\n"
        "1,a,up,b,,,,,\n"  # side; partner c does not point back
        "1,b,left,c,,,,,\n"  # id twice
        "4,c,left,b,,,,,\n"  # both left; gap 2 to 3
        "5,c,,nobody,,,red,12,\n"  # name twice, partner missing, colour, code
        "6,d/e,,,ribs,1,,,7\n"  # name
        "7,f,,,ribs,1,,,7\n"  # place in a series twice, foreign label twice
        "8,g,,,ribs,,,,\n"  # series without index
        "9,h,,,ribs,0,,,,extra\n"  # index 0, one cell too many
    )
    with pytest.raises(BoneTableError) as caught:
        BoneTable.read(path)
    text = str(caught.value)
    assert text.startswith(f"bone table {path}: 16 faults\n")
    for fault in (
        "line 2: side 'up' is none of left, right or empty",
        "line 9: more cells than the first line has columns",
        "id 1 is given 2 times",
        "ids must run 1, 2, 3 ... without a gap; missing: 2, 3",
        "name 'c' is given 2 times",
        "a: its mirror partner b has 'c' as partner, not a",
        "b: its mirror partner c has 'nobody' as partner, not b",
        "c: its mirror partner 'nobody' is not in the table",
        "c: color 'red' is not of the form #rrggbb",
        "c: snomed_code '12' is not a number of 6 to 18 digits",
        "name 'd/e' of id 6 must be letters, digits, '_', '-' or '.'",
        "series 'ribs' has 2 bones at index 1",
        "atlas label 7 is given to both d/e and f",
        "g: series and index come together; got 'ribs' and None",
        "h: index 0 must be 1 or more",
    ):
        assert f"\n  - {fault}" in text


def test_many_faults_are_counted_and_the_first_of_them_listed() -> None:
    with pytest.raises(BoneTableError) as caught:
        BoneTable(tuple(Bone(id=1, name=f"bone_{n}", color="red") for n in range(30)))
    first, *listed = str(caught.value).splitlines()
    assert first == "bone table: 31 faults"
    assert len(listed) == 21
    assert listed[-1] == "  - and 11 more"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no column id, name in the first line, which holds: nothing"),
        ("number;name\n1;a\n", "no column id, name in the first line, which holds: number;name"),
        ("id,name\n", "it holds no bone"),
        ("id,name\nx,a\n", "line 2: id 'x' is not a whole number"),
        ("id,name\n0,a\n", "line 2: id 0 is background and stands in no table"),
        ("id,name\n70000,a\n", "id 70000 is above 65535, the most that a label file holds"),
        ("id,name\n1,\n", "name '' of id 1 must be letters, digits"),
        ('id,name\n1,"a\n', "not CSV"),
        ("id,name,index,series\n1,a,x,s\n", "line 2: index 'x' is not a whole number"),
        (
            "id,name,side,mirror\n1,a,left,b\n2,b,left,a\n",
            "a: mirror partners lie left and right; b is left, this left",
        ),
    ],
)
def test_read_refuses(tmp_path, text, fault):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(BoneTableError) as caught:
        BoneTable.read(path)
    assert fault in str(caught.value)


def test_read_refuses_what_is_no_text_file(tmp_path):
    with pytest.raises(BoneTableError, match=r"cannot read the bone table .*nowhere.csv: No such file.*columns id and"):
        BoneTable.read(tmp_path / "nowhere.csv")
    (tmp_path / "image.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(BoneTableError, match="it is not UTF-8 text"):
        BoneTable.read(tmp_path / "image.csv")


def test_a_table_made_in_code_is_checked_too():
    with pytest.raises(BoneTableError, match=r"bone table: 1 fault\n  - bones must stand in the order of their ids"):
        BoneTable((RIGHT, LEFT, HEAD))
    with pytest.raises(BoneTableError, match="mirror partner 'arm_right' is not in the table"):
        BoneTable((LEFT, replace(HEAD, id=2)))


def test_unknown_bones_are_named_with_a_remedy():
    with pytest.raises(BoneTableError, match=r"no bone named 'arm_lef' in a table of 3 bones; did you mean arm_left"):
        TABLE["arm_lef"]
    with pytest.raises(BoneTableError, match=r"no bone named 'xyz' .*`sneakynet bones` lists them"):
        TABLE["xyz"]
    for wrong in (0, 4, -1):
        with pytest.raises(BoneTableError, match=rf"label {wrong} is not in the bone table; it holds 1 to 3"):
            TABLE.by_id(wrong)
    with pytest.raises(BoneTableError, match=r"knows no labels of a scheme 'verse'; it knows: other"):
        TABLE.alias_lut("verse")


@pytest.mark.parametrize("text", ["", "3", "[3]", '{"a": 1}', '[{"id": 1}]'])
def test_from_json_refuses_other_text(text):
    with pytest.raises(BoneTableError, match="not a bone table in JSON"):
        BoneTable.from_json(text)


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", None), ("id", "1"), ("side", "up"), ("index", 1.5), ("aliases", []), ("aliases", {"other": [3]})],
)
def test_from_json_refuses_values_of_the_wrong_type(key, value):
    rows = json.loads(TABLE.to_json())
    rows[2][key] = value
    with pytest.raises(BoneTableError, match=rf"not a bone table in JSON \({key} cannot be"):
        BoneTable.from_json(json.dumps(rows))


def test_from_json_refuses_contradictions():
    with pytest.raises(BoneTableError, match="it holds no bone"):
        BoneTable.from_json("[]")
