import pytest

from sneakynet.evaluation.plausibility.finding import Flag, Part, abstained, between, judged, ramp


@pytest.mark.parametrize(("value", "score"), [(0.0, 1), (1.0, 1), (1.5, 0.75), (3.0, 0), (9.0, 0)])
def test_a_measure_that_can_be_too_high(value, score):
    assert ramp(value, fine=1.0, absurd=3.0) == score


def test_a_measure_that_can_be_too_low():
    assert [ramp(value, fine=4.0, absurd=2.0) for value in (5.0, 3.0, 1.0)] == [1, 0.5, 0]
    assert [between(value, (4.0, 6.0), (2.0, 10.0)) for value in (3.0, 5.0, 8.0)] == [0.5, 1, 0.5]


def test_a_part_is_as_good_as_its_worst_flag():
    mild, bad, none = Flag(("b",), 0.6, ""), Flag(("a",), 0.2, ""), Flag(("c",), 1.0, "")
    assert judged("x", [mild, none, bad], evidence="all") == Part("x", 0.2, "all", (bad, mild))
    assert judged("x", [none], evidence="all") == Part("x", 1.0, "all")
    assert abstained("x", "dark").score is None
