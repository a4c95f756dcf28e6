"""A comparison as text."""

import csv
import io
import json
from dataclasses import replace

import pytest

from sneakynet.evaluation.comparison import compare_methods
from sneakynet.evaluation.comparison_files import comparison_csv, comparison_json
from sneakynet.evaluation.scores import ScoreRow, Scores


@pytest.fixture
def comparison():
    methods = [
        Scores(name, {("k", "head"): ScoreRow("k", 1, "head", "top", {"dsc": value})}, ("dsc",))
        for name, value in (("first, of all", 1 / 3), ("b", 0.5))
    ]
    return compare_methods(methods, common=False, resamples=100, seed=4)


def test_csv(comparison):
    every, top = csv.DictReader(io.StringIO(comparison_csv(comparison)))
    assert (every["group"], top["group"]) == ("all", "top")
    assert (top["first"], top["mean_first"], top["difference"]) == ("first, of all", "0.333333", "0.166667")
    assert (top["low"], top["high"], top["p"], top["p_holm"]) == ("", "", "", "")
    assert top["note"] == "one case: no interval, no test"


def test_json(comparison):
    record = json.loads(comparison_json(comparison))
    assert (record["format"], record["format_version"]) == ("sneakynet comparison", 1)
    assert record["methods"] == ["first, of all", "b"]
    assert (record["cases"], record["cases_left_out"]) == (["k"], [])
    assert (record["seed"], record["resamples"]) == (4, 100)
    every, _ = record["differences"]
    assert (every["metric"], every["mean_first"], every["low"], every["p"]) == ("dsc", 0.333333, None, None)


def test_small_p_values_keep_their_digits(comparison):
    small = replace(comparison.differences[0], p=1.23456789e-9, p_holm=0.5)
    record = json.loads(comparison_json(replace(comparison, differences=(small,))))
    assert record["differences"][0]["p"] == 1.23457e-9
