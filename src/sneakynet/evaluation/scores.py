"""Reading the scores that an evaluation has written."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sneakynet.errors import DatasetError
from sneakynet.evaluation.metric import BY_KEY, METRICS

SCORES = "per_class.csv"
"""The file, in the folder that ``sneakynet evaluate`` writes."""

_REQUIRED = ("case", "name", "group")
_MOST_FAULTS = 5


@dataclass(frozen=True)
class ScoreRow:
    """One bone of one case.

    Args:
        case: the case's name.
        id: the bone's label; 0 if the file does not say.
        name: the bone's name.
        group: its group.
        values: metric -> value; NaN where the metric is not defined for the bone.
        voxels_reference: 0 if the file does not say.
        voxels_prediction: the same.
        cut_off: whether the edge of the scan cuts the bone.
        named_as: label that the most of its voxels were given; empty if the file does not say.
    """

    case: str
    id: int
    name: str
    group: str
    values: Mapping[str, float]
    voxels_reference: int = 0
    voxels_prediction: int = 0
    cut_off: bool = False
    named_as: str = ""


@dataclass(frozen=True)
class Scores:
    """All scores of one method.

    Args:
        name: the method's.
        rows: (case, bone) -> scores, in the file's order.
        metrics: keys of ``METRICS`` that at least one row has a value of.
    """

    name: str
    rows: Mapping[tuple[str, str], ScoreRow]
    metrics: tuple[str, ...]

    @cached_property
    def cases(self) -> tuple[str, ...]:
        """Names of the cases, in the file's order."""
        return tuple(dict.fromkeys(case for case, _ in self.rows))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Groups of the bones, in the order of the bones' ids. Bones of no group are in none of them."""
        by_id = sorted(self.rows.values(), key=lambda row: row.id)
        return tuple(dict.fromkeys(row.group for row in by_id if row.group))


def read_scores(folder: Path, *, name: str | None = None) -> Scores:
    """Read the scores in a folder that ``sneakynet evaluate`` wrote.

    Args:
        folder: holds ``per_class.csv``.
        name: of the method; by default the folder's.

    Returns:
        The scores.

    Raises:
        DatasetError: there is no such file, or it is no table of scores; the message lists its first faults.
    """
    path = folder / SCORES
    if not path.is_file():
        msg = f"there is no {path}; give a folder that `sneakynet evaluate` wrote"
        raise DatasetError(msg)
    rows: dict[tuple[str, str], ScoreRow] = {}
    faults: list[str] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            _check_columns(columns, path)
            keys = tuple(metric.key for metric in METRICS if metric.key in columns)
            for line, record in _numbered(reader):
                try:
                    row = _row(record, keys)
                except ValueError as error:
                    faults.append(f"line {line}: {error}")
                    continue
                if (row.case, row.name) in rows:
                    faults.append(f"line {line}: {row.name} of the case {row.case} was there before")
                rows[row.case, row.name] = row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"cannot read {path}: {error}; write it again with `sneakynet evaluate`"
        raise DatasetError(msg) from error
    if faults or not rows:
        more = f" and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        msg = f"{path} is no table of scores: {'; '.join(faults[:_MOST_FAULTS]) or 'it holds no row'}{more}"
        raise DatasetError(msg)
    filled = tuple(key for key in keys if any(math.isfinite(row.values[key]) for row in rows.values()))
    return Scores(folder.resolve().name if name is None else name, rows, filled)


def _check_columns(columns: object, path: Path) -> None:
    names = list(columns) if isinstance(columns, (list, tuple)) else []
    missing = [column for column in _REQUIRED if column not in names]
    if missing or not any(metric.key in names for metric in METRICS):
        lacks = ", ".join(missing) or f"any of {', '.join(metric.key for metric in METRICS)}"
        msg = f"{path} lacks the columns {lacks}; write it again with `sneakynet evaluate`"
        raise DatasetError(msg)


def _numbered(reader: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str | None]]]:
    for record in reader:
        yield reader.line_num, dict(record)


def _row(record: Mapping[str, str | None], keys: tuple[str, ...]) -> ScoreRow:
    """One line.

    Raises:
        ValueError: with what is wrong.
    """
    if None in record.values() or None in record:
        msg = "the line has another number of cells than the first"
        raise ValueError(msg)
    case, name, group = (record.get(column) or "" for column in _REQUIRED)
    if not case or not name:
        msg = "no name of a case or bone"
        raise ValueError(msg)
    return ScoreRow(
        case=case,
        id=int(_number(record, "id", empty=0.0)),
        name=name,
        group=group,
        values={key: _value(record, key) for key in keys},
        voxels_reference=int(_number(record, "voxels_reference", empty=0.0)),
        voxels_prediction=int(_number(record, "voxels_prediction", empty=0.0)),
        cut_off=bool(_number(record, "cut_off", empty=0.0)),
        named_as=record.get("named_as") or "",
    )


def _value(record: Mapping[str, str | None], key: str) -> float:
    """A metric, NaN where the file says nothing."""
    value = _number(record, key, empty=math.nan)
    highest = 1.0 if BY_KEY[key].unit == "share" else math.inf
    if not math.isnan(value) and not 0 <= value <= highest:
        msg = f"{key} is {value:g}, which is not {'from 0 to 1' if highest == 1 else '0 or more'}"
        raise ValueError(msg)
    return value


def _number(record: Mapping[str, str | None], column: str, *, empty: float) -> float:
    text = (record.get(column) or "").strip()
    if not text:
        return empty
    try:
        value = float(text)
    except ValueError:
        msg = f"{column} is {text!r}, which is no number"
        raise ValueError(msg) from None
    if math.isinf(value):
        msg = f"{column} is {text}, which is no finite number"
        raise ValueError(msg)
    return empty if math.isnan(value) else value
