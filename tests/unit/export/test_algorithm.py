import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sneakynet.export.algorithm import Algorithm, recorded_algorithm


def test_this_program() -> None:
    made = Algorithm.sneakynet({"name": "tiny"})
    assert made == Algorithm("SneakyNet", version("sneakynet"), model="tiny")
    assert made.type == "AUTOMATIC"
    assert Algorithm.sneakynet({}).model == ""


def test_by_hand() -> None:
    assert Algorithm("manual", "", automatic=False).type == "MANUAL"


def test_from_statistics(tmp_path: Path) -> None:
    record = {"format": "sneakynet statistics", "software": "sneakynet 0.9", "model": {"name": "large"}}
    (tmp_path / "case.json").write_text(json.dumps(record))
    assert recorded_algorithm(tmp_path / "case.json") == Algorithm("SneakyNet", "0.9", model="large")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "another"}', '{"format": "sneakynet statistics"}'])
def test_another_file_says_nothing(content: Any, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(content)
    assert recorded_algorithm(tmp_path / "case.json") is None
    assert recorded_algorithm(tmp_path / "gone.json") is None
