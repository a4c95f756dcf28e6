"""The page of a comparison."""

import pytest

from sneakynet.evaluation.comparison import compare_methods
from sneakynet.evaluation.scores import ScoreRow, Scores
from sneakynet.viewer.comparison_page import comparison_page

EVIL = "<script>alert('x')</script>&\""


def scores(name, values, *, metric="dsc"):
    rows = {(f"c{n}", "head"): ScoreRow(f"c{n}", 1, "head", "top", {metric: v}) for n, v in enumerate(values)}
    return Scores(name, rows, (metric,))


def page_of(*methods):
    return comparison_page(compare_methods(methods, common=True, resamples=200, seed=0))


def test_words_and_verdict(read_page):
    page = read_page(page_of(scores("old", [0.5] * 6), scores("new", [0.6, 0.61, 0.62, 0.63, 0.64, 0.65])))
    assert "new against old: mean DSC 0.625 against 0.500, a difference of +0.125 (95% interval +0." in page.text
    assert "new is better in 6 of 6 cases, old in 0; p = 0.031." in page.text
    assert "new better" in page.text
    assert "Holm" not in page.text


@pytest.mark.parametrize(("metric", "better"), [("dsc", "new"), ("hd95", "old")])
def test_right_is_better_whatever_the_metric(read_page, metric, better):
    page = read_page(page_of(scores("old", [1.0] * 6, metric=metric), scores("new", [2.0] * 6, metric=metric)))
    assert f"{better} better" in page.text
    dots = {attrs["cx"] for tag, attrs in page.tags if tag == "circle"}
    assert dots == {"195.0" if better == "new" else "5.0"}


def test_few_cases_get_no_verdict(read_page):
    assert "new better" not in read_page(page_of(scores("old", [0.1] * 5), scores("new", [0.9] * 5))).text.replace(
        "new better →", ""
    )


def test_three_methods_and_cases_left_out(read_page):
    page = read_page(page_of(scores("a", [0.1] * 4), scores("b", [0.2] * 3), scores("c", [0.2] * 3)))
    assert "corrected by Holm" in page.text
    assert "1 case that not all methods have is left out: c3." in page.text
    assert "3 cases are too few: a signed-rank test needs 6 for p < 0.05" in page.text
    assert "c against b: mean DSC 0.200 against 0.200, a difference of 0.000" in page.text


@pytest.mark.parametrize("methods", [2, 3])
def test_long_names_are_shortened_in_the_tables(read_page, methods):
    long = "nnunet_of_another_hospital_with_a_very_long_name_v2"
    page = read_page(page_of(*[scores(name, [v]) for name, v in ((long, 0.5), ("b", 0.6), ("c", 0.7))[:methods]]))
    titles = {attrs["title"] for tag, attrs in page.tags if tag == "span" and attrs["title"] == long}
    assert titles == {long}
    assert "nnunet_of_an…ong_name_v2" in page.text
    tables = page.text[page.text.index("bones cases") if methods == 2 else page.text.index("bones first") :]
    assert long not in tables


def test_tables_scroll_in_boxes_of_their_own(read_page):
    tags = read_page(page_of(scores("a", [0.5]), scores("b", [0.5]))).tags
    inside = [tags[n - 1] for n, (tag, _) in enumerate(tags) if tag == "table"]
    assert inside
    assert all(one == ("div", {"class": "wide"}) for one in inside)


def test_names_are_escaped_and_nothing_is_loaded(read_page):
    text = page_of(scores(EVIL, [0.5]), scores("b", [0.5]))
    page = read_page(text)
    assert "<script>" not in text
    assert EVIL in page.text
    assert page.loads == []
    assert "http" not in text.replace("http-equiv", "")
