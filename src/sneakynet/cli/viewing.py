"""What ``sneakynet evaluate`` leaves besides its figures: their form for nnU-Net's tools, and a page to look at."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sneakynet.cohort.scans import case_name, find_scans
from sneakynet.counted import counted
from sneakynet.errors import SettingError, VolumeError
from sneakynet.evaluation.nnunet_summary import NNUNET_SUMMARY, nnunet_summary
from sneakynet.evaluation.pairing import Pair
from sneakynet.evaluation.report import Evaluation
from sneakynet.evaluation.same_grid import same_grid
from sneakynet.evaluation.scores import read_scores
from sneakynet.viewer.case_pictures import SlicePictures, case_pictures
from sneakynet.viewer.report_page import REPORT, report_page, worst_cases
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.read import read_volume
from sneakynet.volumes.volume import Volume

_LOG = logging.getLogger(__name__)


def find_case_scans(scans: Path | None, pairs: Sequence[Pair], *, output: Path) -> dict[str, Path]:
    """The scan of each case that has one.

    Args:
        scans: a folder of scans that bear the names of the cases, or the scan of the only case; None finds nothing.
        pairs: the cases.
        output: folder of the results.

    Returns:
        Case -> scan.

    Raises:
        SettingError: there is nothing at ``scans``, or no scan of any case.
    """
    if scans is None:
        return {}
    if not scans.exists():
        msg = f"there are no scans at {scans}; give their folder, or leave out --scans"
        raise SettingError(msg)
    found = find_scans((scans,), output=output)
    if not found:
        msg = f"{scans} holds no scan; give the folder of the scans, or leave out --scans"
        raise SettingError(msg)
    if len(found) == len(pairs) == 1:
        return {pairs[0].case: found[0]}
    by_name = {case_name(path): path for path in found}
    known = {pair.case: by_name[pair.case] for pair in pairs if pair.case in by_name}
    if not known:
        cases = counted(len(pairs), "case")
        msg = f"{scans} holds no scan of any of the {cases}; scans must bear their names, as {pairs[0].case}"
        raise SettingError(msg)
    return known


def write_views(
    folder: Path,
    evaluation: Evaluation,
    pairs: Sequence[Pair],
    *,
    scans: Mapping[str, Path],
    read: Callable[[Pair], tuple[Volume, Volume]],
    name: str,
) -> None:
    """Write ``nnunet_summary.json`` and ``report.html``, both or neither.

    Args:
        folder: holds the ``per_class.csv`` of the results.
        evaluation: of all cases.
        pairs: the files of the same cases, in the same order.
        scans: case -> scan, for the pictures.
        read: prediction and reference of a case, as labels of the table.
        name: of what was judged.

    Raises:
        SneakyNetError: a file cannot be read again, or not be written.
    """
    scores = read_scores(folder, name=name)
    table = evaluation.table
    by_case = {pair.case: pair for pair in pairs}
    pictures: dict[str, Sequence[SlicePictures]] = {}
    erring = {result.case for result in evaluation.results if result.counts.trace() < result.counts.sum()}
    for case in worst_cases(scores, erring=erring):
        with _silence():
            prediction, reference = read(by_case[case])
        scan = _scan(case, scans, like=reference) if scans else None
        pictures[case] = case_pictures(prediction, reference, scan=scan, table=table)
    page = report_page(scores, evaluation.counts, table=table, pictures=pictures)
    with write_whole(folder / NNUNET_SUMMARY) as summary_part, write_whole(folder / REPORT) as page_part:
        summary_part.write_text(nnunet_summary(evaluation.results, pairs, table=table) + "\n", encoding="utf-8")
        page_part.write_text(page, encoding="utf-8")


@contextmanager
def _silence() -> Iterator[None]:
    """Label maps that are read a second time have said their warnings."""
    logger = logging.getLogger("sneakynet")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _scan(case: str, scans: Mapping[str, Path], *, like: Volume) -> Volume | None:
    """The scan of a case; one that cannot be had costs a picture its ground, and nothing else."""
    if case not in scans:
        _LOG.warning("no scan of %s; its labels are shown alone", case)
        return None
    try:
        with _silence():
            scan = read_volume(scans[case])
    except VolumeError as error:
        _LOG.warning("%s; the labels are shown alone", error)
        return None
    if not same_grid(canonical(scan), canonical(like)):
        _LOG.warning("%s lies on another grid than the labels of %s, which are shown alone", scans[case], case)
        return None
    return scan
