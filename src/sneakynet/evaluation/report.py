"""The files that an evaluation leaves."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from sneakynet.errors import DatasetError
from sneakynet.evaluation.case import CaseResult
from sneakynet.evaluation.overlap import ClassScore, Summary, summarize
from sneakynet.volumes.atomic import write_whole


def summary_of(results: Sequence[CaseResult]) -> Summary:
    """The summary over all cases.

    Args:
        results: at least one case.

    Returns:
        The paper's summary.

    Raises:
        DatasetError: no reference holds a bone, so that there is nothing to score.
    """
    scores = [score.dsc for result in results for score in result.scores]
    if not scores:
        msg = (
            f"the reference of {results[0].case if len(results) == 1 else f'all {len(results)} cases'} holds no bone "
            "of the bone table; check that prediction and reference are not swapped, and whose labels they hold"
        )
        raise DatasetError(msg)
    return summarize(scores, bone_dsc=[result.bone_dsc for result in results])


def write_report(folder: Path, results: Sequence[CaseResult], summary: Summary) -> None:
    """Write ``per_class.csv`` (a row per case and bone of its reference) and ``summary.json``, both or neither.

    Args:
        folder: must exist.
        results: of all cases.
        summary: of the same.

    Raises:
        OutputError: a file cannot be written.
    """
    with write_whole(folder / "summary.json") as summary_part, write_whole(folder / "per_class.csv") as rows_part:
        with rows_part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(ClassScore)], lineterminator="\n")
            writer.writeheader()
            for result in results:
                writer.writerows({**asdict(score), "dsc": f"{score.dsc:.6f}"} for score in result.scores)
        summary_part.write_text(summary_json(summary) + "\n", encoding="utf-8")


def summary_json(summary: Summary) -> str:
    """The summary as JSON text, figures to six digits."""
    rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(summary).items()}
    return json.dumps(rounded, indent=2)
