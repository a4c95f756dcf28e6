"""``sneakynet bones``."""

import json

import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main


def test_json_is_a_list_of_objects(capsys):
    assert main(["bones", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(BoneTable.default().names)
    assert rows[0] == {
        "id": 1,
        "name": "skull",
        "side": None,
        "mirror": None,
        "group": "skull",
        "series": None,
        "index": None,
        "color": BoneTable.default()["skull"].color,
        "snomed_code": "89546000",
    }
    rib = next(row for row in rows if row["name"] == "rib_left_3")
    assert (rib["side"], rib["mirror"], rib["series"], rib["index"]) == ("left", "rib_right_3", "rib_left", 3)


def test_table_cuts_no_name_in_a_pipe(capsys):
    assert main(["bones"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 126
    for bone in BoneTable.default():
        assert f" {bone.name} " in out
        assert bone.snomed_meaning in out


def test_own_table(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("id,name\n1,horn\n2,tail\n")
    assert main(["bones", "--json", "--table", str(path)]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["horn", "tail"]


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "error: cannot read the bone table "), ("id,name\n2,a\n", "  - ids must run 1, 2, 3 ... without a gap")],
)
def test_own_table_with_faults(tmp_path, capsys, text, message):
    path = tmp_path / "mine.csv"
    if text:
        path.write_text(text)
    assert main(["bones", "--table", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
