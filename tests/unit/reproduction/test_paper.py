import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.paper import paper, printed


def test_rows_are_found_by_what_the_networks_see():
    ours = Experiment("D", 16, (1,), 10, 4)
    assert printed("table_2", ours, spacing=8.0)["median"] == 0.86  # 64 voxels of 2 mm
    assert printed("table_2", ours, spacing=4.0)["median"] == 0.75  # 32
    assert printed("table_2", ours, spacing=5.0) == {}


def test_lost_cells_are_marked():
    assert printed("table_3", Experiment("D", 64, (1,), 11, 2), spacing=2.0)["median"] is None


@pytest.mark.parametrize("table", ["table_2", "table_3"])
def test_figures_are_possible(table):
    for row in paper()[table].values():
        assert row["median"] is None or row["median"] + row["plus"] <= 1
        assert 0 < row["nonzero"] < 1


def test_bones_are_in_the_table():
    assert all(bone in BoneTable.default() for row in paper()["table_4"].values() for bone in row.get("bones", ()))
