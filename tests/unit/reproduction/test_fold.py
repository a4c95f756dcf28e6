import pytest

from sneakynet.errors import DatasetError
from sneakynet.reproduction.fold import make_folds

NAMES = [f"case_{n:02d}" for n in range(16)]


def test_every_case_is_tested_exactly_once():
    folds = make_folds(NAMES, seed=3)
    assert sorted(name for fold in folds for name in fold.test) == NAMES
    for fold in folds:
        assert sorted([*fold.training, *fold.validation, *fold.test]) == NAMES


def test_sizes_are_the_papers():
    sizes = [(len(f.training), len(f.validation), len(f.test)) for f in make_folds(NAMES, seed=0)]
    assert sizes == [(11, 2, 3)] * 4 + [(10, 2, 4)]


def test_the_seed_decides_and_the_order_of_names_does_not():
    assert make_folds(NAMES, seed=1) == make_folds(NAMES[::-1], seed=1)
    assert make_folds(NAMES, seed=1) != make_folds(NAMES, seed=2)


def test_too_few_cases():
    with pytest.raises(DatasetError, match="5 folds need 5 cases or more, there are 4"):
        make_folds(NAMES[:4], seed=0)
