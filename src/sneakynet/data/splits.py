"""Which cases to learn from and which to hold out, as nnU-Net writes it in ``splits_final.json``."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from sneakynet.counted import counted
from sneakynet.errors import DatasetError
from sneakynet.volumes.atomic import write_whole

SPLITS = "splits_final.json"

Split = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the cases to learn from and of those held out."""


def write_splits(path: Path, splits: Sequence[Split]) -> None:
    """Write a list of ``{"train": [...], "val": [...]}``, one for every fold."""
    content = [{"train": list(training), "val": list(validation)} for training, validation in splits]
    with write_whole(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def make_splits(cases: Collection[str], *, folds: int, seed: int) -> tuple[Split, ...]:
    """Hold every case out exactly once.

    Args:
        cases: their names.
        folds: how many; their sizes differ by one case at most.
        seed: decides who is in which.

    Raises:
        DatasetError: fewer than 2 folds, or fewer cases than folds.
    """
    if not 2 <= folds <= len(cases):
        held = counted(len(cases), "case")
        msg = f"{held} cannot be held out in {counted(folds, 'fold')}; choose 2 folds to as many as there are cases"
        raise DatasetError(msg)
    order = np.random.default_rng(seed).permutation(sorted(cases)).tolist()
    held_out = [sorted(order[fold::folds]) for fold in range(folds)]
    return tuple((tuple(sorted({*cases} - {*names})), tuple(names)) for names in held_out)


def read_split(path: Path, *, fold: int, cases: Collection[str]) -> Split:
    """Read one fold of such a file.

    Args:
        path: of the file.
        fold: which, from 0.
        cases: names of the cases that there are.

    Raises:
        DatasetError: the file cannot be read, has no such fold, names a case that is not there, has none to learn from
            or none to hold out, or one on both sides.
    """
    try:
        folds = json.loads(path.read_text(encoding="utf-8"))
        split = [tuple(map(str, folds[fold][part])) for part in ("train", "val")] if fold < len(folds) else None
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        msg = f'cannot read the splits {path} ({reason}); it must be a list of {{"train": [...], "val": [...]}}'
        raise DatasetError(msg) from error
    if split is None:
        msg = f"{path} has {counted(len(folds), 'fold')}, 0 to {len(folds) - 1}; there is no fold {fold}"
        raise DatasetError(msg)
    training, validation = split
    faults = [
        f"it names no case {part}"
        for names, part in zip(split, ("to learn from", "to hold out"), strict=True)
        if not names
    ]
    if missing := sorted({*training, *validation} - {*cases}):
        faults.append(f"the dataset lacks {', '.join(missing)}")
    if both := sorted({*training} & {*validation}):
        faults.append(f"on both sides: {', '.join(both)}")
    if faults:
        msg = f"fold {fold} of {path} cannot be used: {'; '.join(faults)}"
        raise DatasetError(msg)
    return tuple(sorted(training)), tuple(sorted(validation))
