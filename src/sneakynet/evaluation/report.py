"""The files that an evaluation leaves: tables for programs."""

import csv
import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.case import CaseResult
from sneakynet.evaluation.contingency import Contingency
from sneakynet.evaluation.score import BACKGROUND, ClassScore
from sneakynet.evaluation.summary import Summary
from sneakynet.volumes.atomic import write_whole


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation found.

    Args:
        results: of all cases.
        summary: of them.
        table: the bones that were scored.
    """

    results: Sequence[CaseResult]
    summary: Summary
    table: BoneTable

    @property
    def counts(self) -> Contingency:
        """Voxels by (reference, prediction) over all cases."""
        counts: Contingency = sum(result.counts for result in self.results)  # type: ignore[assignment]
        return counts


def write_files(folder: Path, evaluation: Evaluation, files: dict[str, Callable[[Evaluation], str]]) -> None:
    """Write text files, all or none.

    Args:
        folder: must exist.
        evaluation: what they tell.
        files: name -> what makes its text.

    Raises:
        OutputError: a file cannot be written.
    """
    texts = {name: text(evaluation) for name, text in files.items()}
    with ExitStack() as stack:
        parts = {name: stack.enter_context(write_whole(folder / name)) for name in texts}
        for name, text in texts.items():
            parts[name].write_text(text, encoding="utf-8")


def per_class_csv(evaluation: Evaluation) -> str:
    """A row per case and bone of its reference; what is undefined is empty."""
    rows = [asdict(score) for result in evaluation.results for score in result.scores]
    return _csv([field.name for field in fields(ClassScore)], rows)


def confusion_csv(evaluation: Evaluation) -> str:
    """A row per pair of labels that meet, over all cases: voxels, and their share of the reference's label."""
    counts, table = evaluation.counts, evaluation.table
    names = [BACKGROUND, *table.names]
    whole = counts.sum(axis=1)
    rows = [
        {
            "reference_id": int(one),
            "reference": names[one],
            "prediction_id": int(other),
            "prediction": names[other],
            "voxels": int(counts[one, other]),
            "share": float(counts[one, other] / whole[one]),
        }
        for one, other in zip(*counts.nonzero(), strict=True)
    ]
    return _csv(["reference_id", "reference", "prediction_id", "prediction", "voxels", "share"], rows)


def faults_csv(evaluation: Evaluation) -> str:
    """A row per fault of a whole bone: case, kind, bone."""
    rows: list[dict[str, object]] = [
        {"case": result.case, "fault": kind, "bone": bone}
        for result in evaluation.results
        for kind, bones in asdict(result.faults).items()
        for bone in bones
    ]
    return _csv(["case", "fault", "bone"], rows)


def summary_json(evaluation: Evaluation) -> str:
    """The summary."""
    return evaluation.summary.to_json() + "\n"


FILES: dict[str, Callable[[Evaluation], str]] = {
    "per_class.csv": per_class_csv,
    "confusion.csv": confusion_csv,
    "faults.csv": faults_csv,
    "summary.json": summary_json,
}
"""Name of each file -> what makes its text."""


def _csv(columns: Sequence[str], rows: Sequence[dict[str, object]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return f"{value:.6f}" if isinstance(value, float) else value
