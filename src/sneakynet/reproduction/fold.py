"""Cross-validation as in the paper: five folds, every case tested exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sneakynet.data.splits import Split
from sneakynet.errors import DatasetError

FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Names of the cases, each part sorted."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def split(self) -> Split:
        """What training sees of it."""
        return self.training, self.validation


def make_folds(names: Sequence[str], *, seed: int, validation: int = 2) -> tuple[Fold, ...]:
    """Five folds; of the paper's 16 cases, four of 11 / 2 / 3 and one of 10 / 2 / 4.

    Args:
        names: of all cases.
        seed: decides who goes where.
        validation: cases of each fold that are held out in training.

    Raises:
        DatasetError: too few cases.
    """
    least = max(FOLDS, validation + 3)
    if len(names) < least:
        msg = f"{FOLDS} folds need {least} cases or more, there are {len(names)}"
        raise DatasetError(msg)
    order = [str(name) for name in np.random.default_rng(seed).permutation(sorted(names))]
    # The larger folds come last: the paper speaks of three test scans.
    ends = [len(order) * (n + 1) // FOLDS for n in range(FOLDS)]
    folds = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        rest = order[end:] + order[:start]
        folds.append(
            Fold(
                training=tuple(sorted(rest[validation:])),
                validation=tuple(sorted(rest[:validation])),
                test=tuple(sorted(order[start:end])),
            )
        )
    return tuple(folds)
