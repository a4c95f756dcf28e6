"""Methods on the same cases."""

import math
from dataclasses import replace

import pytest

from sneakynet.errors import DatasetError, SettingError
from sneakynet.evaluation.comparison import ALL, Comparison, compare_methods
from sneakynet.evaluation.scores import ScoreRow, Scores

GROUP = {"head": "top", "jaw": "top", "tail": "end"}


def method(name, cases, *, metric="dsc", voxels=10):
    """Scores from {case: {bone: value}}."""
    rows = {
        (case, bone): ScoreRow(case, 1, bone, GROUP[bone], {metric: value}, voxels_reference=voxels)
        for case, bones in cases.items()
        for bone, value in bones.items()
    }
    return Scores(name, rows, (metric,))


def compared(*methods, common=False, resamples=500, seed=0):
    return compare_methods(methods, common=common, resamples=resamples, seed=seed)


def by_group(comparison):
    return {difference.group: difference for difference in comparison.differences}


def test_the_case_is_the_unit():
    # Case one has two bones of the group and case two has one: either counts once.
    a = method("a", {"one": {"head": 0.5, "jaw": 0.7}, "two": {"head": 0.2}})
    b = method("b", {"one": {"head": 0.6, "jaw": 0.8}, "two": {"head": 0.6}})
    (top,) = (d for d in compared(a, b).differences if d.group == "top")
    assert (top.first, top.second, top.cases, top.bones, top.left_out) == ("a", "b", 2, 3, 0)
    assert (top.mean_first, top.mean_second) == pytest.approx((0.4, 0.65))
    assert (top.median_first, top.median_second) == pytest.approx((0.5, 0.6))  # over bones
    assert top.difference == pytest.approx((0.1 + 0.4) / 2)
    assert (top.low, top.high) == pytest.approx((0.1, 0.4))
    assert (top.second_better, top.first_better) == (2, 0)


def test_groups_and_all_bones():
    a = method("a", {"one": {"head": 0.4, "jaw": 0.4, "tail": 0.1}, "two": {"tail": 0.5}})
    b = method("b", {"one": {"head": 0.7, "jaw": 0.7, "tail": 0.1}, "two": {"tail": 0.4}})
    groups = by_group(compared(a, b))
    assert list(groups) == [ALL, "top", "end"]
    assert groups[ALL].difference == pytest.approx((0.2 - 0.1) / 2)
    assert groups["top"].cases == 1
    assert groups["end"].difference == pytest.approx(-0.05)
    assert (groups["end"].second_better, groups["end"].first_better) == (0, 1)


def test_bones_without_a_value_are_left_out_for_all():
    a = method("a", {"one": {"head": 2.0, "jaw": 9.0, "tail": math.nan}}, metric="hd95")
    b = method("b", {"one": {"head": 3.0, "jaw": math.nan, "tail": math.nan}}, metric="hd95")
    groups = by_group(compared(a, b))
    assert list(groups) == [ALL, "top"]  # nobody has a value of the other
    assert (groups[ALL].bones, groups[ALL].left_out) == (1, 1)
    assert (groups[ALL].mean_first, groups[ALL].mean_second) == (2, 3)
    assert (groups[ALL].second_better, groups[ALL].first_better) == (0, 1)  # less is better


def many(name, values):
    return method(name, {f"c{n}": {"head": value} for n, value in enumerate(values)})


def test_six_cases_of_one_mind_are_the_fewest_for_a_test():
    zero = [0.0] * 6
    six, five = (by_group(compared(many("a", zero[:n]), many("b", [0.1] * n)))[ALL] for n in (6, 5))
    assert six.p == six.p_holm == pytest.approx(2 / 2**6)
    assert six.note == ""
    assert five.p is five.p_holm is None
    assert five.note.startswith("5 cases are too few: a signed-rank test needs 6 for p < 0.05")
    assert five.low == pytest.approx(0.1)


def test_a_single_case_has_neither_interval_nor_test():
    one = by_group(compared(many("a", [0.1]), many("b", [0.3])))[ALL]
    assert (one.low, one.high, one.p) == (None, None, None)
    assert one.note == "one case: no interval, no test"


def test_cases_that_do_not_differ_are_counted_in_the_note():
    few = by_group(compared(many("a", [0.5] * 8), many("b", [0.5] * 7 + [0.6])))[ALL]
    assert few.p == 1
    assert few.note == "1 of 8 cases differ: p < 0.05 needs 6"


def test_three_methods_are_corrected_together():
    steps = [0.01 * n for n in range(1, 8)]
    a, b, c = many("a", [0.5] * 7), many("b", [0.5 + s for s in steps]), many("c", [0.5 + s * 2 for s in steps])
    pairs = [d for d in compared(a, b, c).differences if d.group == ALL]
    assert [(d.first, d.second) for d in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [d.p for d in pairs] == pytest.approx([2 / 2**7] * 3)
    assert [d.p_holm for d in pairs] == pytest.approx([6 / 2**7] * 3)
    six = compared(*(many(m.name, [v.values["dsc"] for v in m.rows.values()][:6]) for m in (a, b, c)))
    assert six.differences[0].note == "6 of 6 cases differ: p < 0.05 needs 7 with 3 pairs of methods"


def test_other_cases_are_an_error_or_left_out():
    a, b = many("a", [0.1, 0.2, 0.3]), many("b", [0.1, 0.2])
    with pytest.raises(DatasetError, match=r"different cases: b lacks c2; score them on the same .* add --common"):
        compared(a, b)
    comparison = compared(a, b, common=True)
    assert comparison.cases == ("c0", "c1")
    assert comparison.cases_left_out == ("c2",)
    with pytest.raises(DatasetError, match="a, b have no case in common"):
        compared(a, method("b", {"elsewhere": {"head": 1.0}}), common=True)


def test_other_bones_are_an_error_or_left_out():
    a, b = method("a", {"one": {"head": 0.1, "jaw": 0.2}}), method("b", {"one": {"head": 0.3, "tail": 0.4}})
    with pytest.raises(DatasetError, match="a lacks tail of one; b lacks jaw of one"):
        compared(a, b)
    assert by_group(compared(a, b, common=True))[ALL].bones == 1
    with pytest.raises(DatasetError, match="no bone in common"):
        compared(method("a", {"one": {"head": 1.0}}), method("b", {"one": {"tail": 1.0}}), common=True)


def test_other_references_and_metrics_are_said(caplog):
    cases = {"one": {"head": 0.5}}
    compared(method("a", cases), method("b", cases, voxels=11))
    assert "the bones of 1 case have other numbers of reference voxels" in caplog.text
    both = method("a", cases)
    richer = Scores(
        "b", {k: ScoreRow(*k[:1], 1, k[1], "top", {"dsc": 0.5, "iou": 0.3}) for k in both.rows}, ("dsc", "iou")
    )
    assert {d.metric for d in compared(both, richer).differences} == {"dsc"}
    assert "not compared, since not all methods have values of them: iou" in caplog.text
    with pytest.raises(DatasetError, match="a, b have values of no metric in common"):
        compared(both, method("b", cases, metric="iou"))


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ("a", {}, "at least two methods, got 1"),
        ("aba", {}, "several methods are named a; give --names with one name for each of the 3"),
        ("ab", {"resamples": 99}, "resamples must be at least 100 and seed at least 0, got 99 and 0"),
        ("ab", {"seed": -1}, "got 500 and -1"),
    ],
)
def test_settings(names, options, message):
    with pytest.raises(SettingError, match=message):
        compared(*(many(name, [0.5]) for name in names), **options)


def test_notes_name_the_metrics_that_they_are_about():
    first, *_ = compared(method("a", {"k": {"head": 0.5}}), method("b", {"k": {"head": 0.6}})).differences

    def rows(*about):
        return tuple(replace(first, metric=metric, note=note, group=group) for metric, note, group in about)

    some = rows(("dsc", "few", ALL), ("iou", "few", ALL), ("far", "", ALL), ("dsc", "x", "top"))
    assert Comparison(("a", "b"), (), (), 0, 0, some).notes() == ("DSC, IoU: few",)
    assert Comparison(("a", "b"), (), (), 0, 0, some[:2]).notes() == ("few",)
