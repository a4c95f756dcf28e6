"""Logs of a run: CSV for people and programs, TensorBoard where it is installed."""

import csv
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from sneakynet.errors import OutputError
from sneakynet.training.tracker import Tracker, finite
from sneakynet.volumes.atomic import write_whole


class RunLog:
    """Appends to ``train.csv`` and ``validation.csv`` and to a TensorBoard folder.

    Args:
        folder: of the run.
        step: steps done; what an interrupted run logged beyond it is dropped, because it will be done again.
        writes: False logs nothing: another process of the run does.
        tracker: gets every row, too.
    """

    def __init__(self, folder: Path, *, step: int, writes: bool = True, tracker: Tracker | None = None) -> None:
        self.folder, self._writes = folder, writes
        self._tracker = tracker
        self._columns: dict[str, list[str]] = {}
        for name in ("train", "validation") if writes else ():
            _drop_after(folder / f"{name}.csv", step)
        self._writer = _tensorboard(folder / "tensorboard", step) if writes else None

    def write(self, name: str, step: int, values: Mapping[str, float]) -> None:
        """Add a row to ``<name>.csv`` and a point to each curve; the columns are those of the first row.

        Raises:
            OutputError: the disk is full, or the file cannot be written for another reason.
        """
        if not self._writes:
            return
        path = self.folder / f"{name}.csv"
        row = {"step": step, **{key: f"{value:.6g}" for key, value in values.items()}}
        new = not path.exists()
        if name not in self._columns:
            self._columns[name] = list(row) if new else _header(path)
        try:
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self._columns[name], restval="", extrasaction="ignore")
                if new:
                    writer.writeheader()
                writer.writerow(row)
        except OSError as error:
            msg = f"cannot write {path}: {error.strerror}; make room on the disk and go on with --resume"
            raise OutputError(msg) from error
        if self._writer is not None:
            for key, value in values.items():
                self._writer.add_scalar(f"{name}/{key}", value, step)
        if self._tracker is not None:
            self._tracker.log(step, finite(name, values))

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._tracker is not None:
            self._tracker.finish()


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def _drop_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    # A killed process may have left half a line, or half a header.
    whole = [row for row in rows if len(row) == len(header) and int(row[0]) <= step]
    if not whole:
        path.unlink()
        return
    with write_whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *whole])


def _tensorboard(folder: Path, step: int) -> Any:
    try:
        with warnings.catch_warnings():
            # TensorBoard's own imports use names that their libraries have deprecated.
            warnings.simplefilter("ignore")
            from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra `train` is not installed; the CSV files hold the same
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)
