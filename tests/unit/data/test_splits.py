import pytest

from sneakynet.data.splits import make_splits, read_split, write_splits
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
    with pytest.raises(DatasetError, match="has 1 fold, 0 to 0; there is no fold 3"):
        read_split(tmp_path / "s.json", fold=3, cases="ab")


@pytest.mark.parametrize("text", ["{", "[1]", '[{"train": []}]'])
def test_no_splits_file(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(DatasetError, match="cannot read the splits"):
        read_split(tmp_path / "s.json", fold=0, cases="ab")
    with pytest.raises(DatasetError, match="No such file"):
        read_split(tmp_path / "none.json", fold=0, cases="ab")


@pytest.mark.parametrize(("cases", "folds"), [(5, 5), (16, 5), (7, 2)])
def test_every_case_is_held_out_exactly_once(cases, folds):
    names = [f"case_{n}" for n in range(cases)]

    splits = make_splits(names, folds=folds, seed=3)

    assert sorted(name for _, held_out in splits for name in held_out) == sorted(names)
    assert all(sorted([*training, *held_out]) == sorted(names) for training, held_out in splits)
    sizes = [len(held_out) for _, held_out in splits]
    assert max(sizes) - min(sizes) <= 1
    assert make_splits(names[::-1], folds=folds, seed=3) == splits
    assert make_splits(names, folds=folds, seed=4) != splits


@pytest.mark.parametrize("folds", [1, 4])
def test_folds_that_cannot_be(folds):
    with pytest.raises(DatasetError, match=f"3 cases cannot be held out in {folds} fold"):
        make_splits(["a", "b", "c"], folds=folds, seed=0)
