"""Tables over all scans of a run."""

import logging
from collections.abc import Sequence
from pathlib import Path

from sneakynet.cohort.case import Case
from sneakynet.errors import DatasetError
from sneakynet.evaluation.measures.tables import BONES, COHORT, bones_csv, cohort_csv
from sneakynet.export.statistics import read_bones
from sneakynet.volumes.atomic import write_whole

_LOG = logging.getLogger(__name__)


def write_tables(folder: Path, cases: Sequence[Case]) -> None:
    """Write ``bones.csv`` and ``cohort.csv`` from the statistics of all cases that have labels, if there are several.

    Args:
        folder: of the results.
        cases: of the run, those that were there already included. One whose statistics cannot be read, because
            another version wrote them, is left out with a warning.

    Raises:
        OutputError: a file cannot be written.
    """
    bones = {}
    for case in cases:
        if case.labels.exists():
            try:
                bones[case.name] = read_bones(case.statistics)
            except DatasetError as error:
                _LOG.warning("%s; %s and %s go without it", error, BONES, COHORT)
    if len(bones) > 1:
        with write_whole(folder / BONES) as bones_part, write_whole(folder / COHORT) as cohort_part:
            bones_part.write_text(bones_csv(bones), encoding="utf-8")
            cohort_part.write_text(cohort_csv(bones), encoding="utf-8")
