import json

import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.datalist import is_datalist, read_datalist
from sneakynet.errors import DatasetError

TABLE = BoneTable.default()


@pytest.fixture
def listed(tmp_path):
    """Writes a list of cases, and empty files for those named."""

    def write(content, *files):
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).touch()
        path = tmp_path / "list.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def entry(name, **more):
    return {"image": f"ct/{name}.nii.gz", "label": f"seg/{name}.nii.gz", **more}


def files(*names):
    return [f"{folder}/{name}.nii.gz" for name in names for folder in ("ct", "seg")]


def test_cases_are_listed_relative_to_the_file(listed, tmp_path):
    path = listed({"training": [entry("b"), entry("a")], "test": ["ct/c.nii.gz"]}, *files("a", "b"))

    found = read_datalist(path, table=TABLE)

    assert is_datalist(path)
    assert [(case.name, case.scan, case.labels) for case in found.cases] == [
        (name, tmp_path / "ct" / f"{name}.nii.gz", tmp_path / "seg" / f"{name}.nii.gz") for name in ("a", "b")
    ]
    assert found.ids == {n: n for n in range(126)}
    assert (found.splits, found.faults, found.ignore) == ((), (), None)


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "1": "sacrum", "7": "ignore"},
        {"background": 0, "sacrum": 1, "ignore": 7},
    ],
)
def test_labels_by_number_or_by_name(listed, labels):
    path = listed({"labels": labels, "training": [entry("a")]}, *files("a"))

    found = read_datalist(path, table=TABLE)

    assert found.ids == {0: 0, 1: TABLE["sacrum"].id}
    assert found.ignore == 7


def test_a_validation_list_is_held_out(listed):
    path = listed({"training": [entry("a"), entry("b")], "validation": [entry("c")]}, *files("a", "b", "c"))

    assert read_datalist(path, table=TABLE).splits == ((("a", "b"), ("c",)),)


def test_folds_hold_out_those_of_their_number(listed):
    path = listed({"training": [entry("a", fold=0), entry("b", fold=1), entry("c", fold=1)]}, *files("a", "b", "c"))

    assert read_datalist(path, table=TABLE).splits == ((("b", "c"), ("a",)), (("a",), ("b", "c")))


def test_all_faults_are_told_with_their_place(listed):
    broken = [entry("a"), entry("a"), entry("x"), 7, {"image": ["p", "q"], "label": "seg/a.nii.gz"}]
    path = listed({"labels": {"1": "talus"}, "training": broken}, *files("a"))

    faults = read_datalist(path, table=TABLE).faults

    assert len(faults) == 5
    assert "label 'talus' (1) is not in the bone table" in faults[0]
    assert faults[1] == "training[1]: a case named a is there already; give its scan another name"
    assert faults[2] == "training[2]: there is no file ct/x.nii.gz and no file seg/x.nii.gz"
    assert faults[3] == "training[3]: 7 is no case"
    assert faults[4].startswith("training[4]: image and label must each name one file")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "it must be JSON in UTF-8"),
        ("[1]", "is no list of cases"),
        ({"training": 7}, "is no list of cases"),
        ({"training": []}, "no case"),
        ({"training": [], "validation": "a"}, "is no list of cases"),
    ],
)
def test_what_is_no_list(listed, content, told):
    with pytest.raises(DatasetError, match=told):
        read_datalist(listed(content), table=TABLE)
