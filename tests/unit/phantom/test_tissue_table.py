import pytest

from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.phantom.tissue_table import PHASES, tissue_table


def test_rows_are_the_ids():
    assert [tissue.name for tissue in tissue_table()] == list(tissue_ids())
    assert list(tissue_ids().values()) == list(range(len(tissue_table())))


def test_ranges_are_ordered_and_native_adds_nothing():
    for tissue in tissue_table():
        assert tissue.hu[0] <= tissue.hu[1], tissue.name
        assert len(tissue.enhancement) == len(PHASES)
        assert tissue.enhancement[0] == (0.0, 0.0), tissue.name
        assert all(low <= high for low, high in tissue.enhancement), tissue.name


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("air", -1024, -970), ("lung", -980, -600), ("fat", -130, -70), ("csf", -5, 20), ("muscle", 0, 80)],
)
def test_tissues_lie_where_textbooks_have_them(name, low, high):
    hu = tissue_table()[tissue_ids()[name]].hu
    assert low <= hu[0]
    assert hu[1] <= high
