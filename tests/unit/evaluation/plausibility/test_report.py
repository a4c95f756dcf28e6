import csv
import json

from sneakynet.evaluation.plausibility.finding import Flag, Part
from sneakynet.evaluation.plausibility.inspection import Inspection
from sneakynet.evaluation.plausibility.report import inspections_json, worst_first, write_inspections

BAD = Inspection(
    "bad", 3, (Part("spine", 0.2, "2 vertebrae", (Flag(("a", "b"), 0.2, "far"), Flag(("b",), 0.5, "near"))),)
)
GOOD = Inspection("good", 3, (Part("spine", 1.0, "3 vertebrae"),))
EMPTY = Inspection("empty", 0, (Part("spine", None, "0 vertebrae"),))


def test_worst_first():
    assert [one.case for one in worst_first([GOOD, BAD, EMPTY])] == ["empty", "bad", "good"]


def test_files(tmp_path):
    write_inspections(tmp_path, [GOOD, BAD], failed=[("c.nii", "broken")])
    record = json.loads((tmp_path / "inspect.json").read_text())
    assert record == json.loads(inspections_json([BAD, GOOD], failed=[("c.nii", "broken")]))
    assert (record["format"], record["format_version"]) == ("sneakynet inspection", 1)
    assert record["failed"] == [{"file": "c.nii", "error": "broken"}]
    assert record["cases"][0] == {
        "case": "bad",
        "score": 0.2,
        "bones": 3,
        "parts": {
            "spine": {
                "score": 0.2,
                "evidence": "2 vertebrae",
                "flags": [
                    {"score": 0.2, "bones": ["a", "b"], "evidence": "far"},
                    {"score": 0.5, "bones": ["b"], "evidence": "near"},
                ],
            }
        },
    }
    with (tmp_path / "inspect.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "case": "bad",
        "overall": "0.2",
        "part": "spine",
        "score": "0.2",
        "flags": "2",
        "bones": "a;b",
        "evidence": "far; near",
    }
    assert (rows[1]["score"], rows[1]["evidence"]) == ("1.0", "3 vertebrae")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inspect.csv", "inspect.json"]
