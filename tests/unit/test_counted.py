import pytest

from sneakynet.counted import counted


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 whole scans"), (1, "1 whole scan"), (2, "2 whole scans"), (1234, "1,234 whole scans")]
)
def test_one_has_the_singular_and_every_other_number_the_plural(number, told):
    assert counted(number, "whole scan") == told


@pytest.mark.parametrize(("number", "told"), [(1, "1 pair of bones"), (3, "3 pairs of bones")])
def test_a_plural_of_its_own(number, told):
    assert counted(number, "pair of bones", "pairs of bones") == told
