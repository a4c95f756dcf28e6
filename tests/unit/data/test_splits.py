import pytest

from sneakynet.data.splits import read_split, write_splits
from sneakynet.errors import DatasetError


def test_round_trip(tmp_path):
    path = tmp_path / "splits_final.json"
    write_splits(path, [(("a", "b"), ("c",)), (("b", "c"), ("a",))])
    assert read_split(path, fold=1, cases="abcd") == (("b", "c"), ("a",))


@pytest.mark.parametrize(
    ("split", "cases", "fault"),
    [
        ((("a",), ()), "a", "names no case to hold out"),
        ((("a", "x"), ("b",)), "ab", "the dataset lacks x"),
        ((("a", "b"), ("b",)), "ab", "on both sides: b"),
    ],
)
def test_faults(tmp_path, split, cases, fault):
    write_splits(tmp_path / "s.json", [split])
    with pytest.raises(DatasetError, match=fault):
        read_split(tmp_path / "s.json", fold=0, cases=cases)


def test_no_such_fold(tmp_path):
    write_splits(tmp_path / "s.json", [(("a",), ("b",))])
    with pytest.raises(DatasetError, match="has 1 folds, 0 to 0; there is no fold 3"):
        read_split(tmp_path / "s.json", fold=3, cases="ab")


@pytest.mark.parametrize("text", ["{", "[1]", '[{"train": []}]'])
def test_no_splits_file(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(DatasetError, match="cannot read the splits"):
        read_split(tmp_path / "s.json", fold=0, cases="ab")
    with pytest.raises(DatasetError, match="No such file"):
        read_split(tmp_path / "none.json", fold=0, cases="ab")
