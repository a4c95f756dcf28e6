import pytest

from sneakynet.evaluation.measures.l1_band import l1_band


@pytest.mark.parametrize(
    ("hu", "band"),
    [(80.0, "<=100"), (100.0, "<=100"), (100.1, "<=135"), (135.0, "<=135"), (160.0, "<=160"), (160.1, ">160")],
)
def test_the_bands_of_l1(hu, band):
    assert l1_band("vertebrae_L1", hu) == band


def test_nothing_is_said_of_other_bones_or_without_an_inside():
    assert l1_band("vertebrae_L2", 90.0) is None
    assert l1_band("vertebrae_L1", None) is None
