"""Many scans on this machine: the next is read and the last is written while the network works on one."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import zip_longest

from sneakynet.cohort.case import Case, Outcome
from sneakynet.cohort.stages import Planned, attempt, find_bones, read_case, write_case
from sneakynet.inference.predictor import Predictor, Progress


def segment_here(
    cases: Sequence[Case],
    predictor: Predictor,
    *,
    report: Callable[[Outcome], None],
    begin: Callable[[Case], Progress] = lambda case: lambda done, total: None,
    planned: Planned = lambda case, forecast: None,
) -> None:
    """Do cases one after the other. Whatever goes wrong with one is its outcome, and the others go on.

    At most three scans are in memory: the one that is computed, the next, and the last until it is written. Where the
    block is left by an exception (Ctrl-C), what is being read is read and what was found is written first, so that
    nothing is half-written and no thread goes on behind it.

    Args:
        cases: at least one.
        predictor: the network.
        report: told every outcome, in the order of the cases.
        begin: told when the network begins with a case; gives what to call with the tiles done.
        planned: told the memory that a case will take.
    """
    reader, writer = (ThreadPoolExecutor(1, thread_name_prefix=name) for name in ("read", "write"))
    try:
        with warnings.catch_warnings():
            # pydicom's warnings quote header values, which may be the patient's. Reader and writer silence them, but
            # what one thread sets another may take back: here they are silenced for all.
            warnings.filterwarnings("ignore", module=r"(pydicom|highdicom)\.")
            _run(cases, predictor, reader=reader, writer=writer, report=report, begin=begin, planned=planned)
    finally:
        reader.shutdown(wait=True, cancel_futures=True)
        writer.shutdown(wait=True)  # bones that were found are written, even where that has not begun yet


def _run(
    cases: Sequence[Case],
    predictor: Predictor,
    *,
    reader: ThreadPoolExecutor,
    writer: ThreadPoolExecutor,
    report: Callable[[Outcome], None],
    begin: Callable[[Case], Progress],
    planned: Planned,
) -> None:
    reading = reader.submit(attempt, cases[0], partial(read_case, cases[0]))
    writing: Future[Outcome] | None = None
    for case, following in zip_longest(cases, cases[1:]):
        read = reading.result()
        if following is not None:
            reading = reader.submit(attempt, following, partial(read_case, following))
        found = (
            read
            if isinstance(read, Outcome)
            else attempt(
                case,
                partial(
                    find_bones,
                    read,
                    predictor,
                    progress=begin(case),
                    planned=planned,
                    another=following is not None,
                ),
            )
        )
        # Only now: the last case was written while the network worked on this one.
        if writing is not None:
            report(writing.result())
            writing = None
        if isinstance(found, Outcome):
            report(found)
        else:
            writing = writer.submit(attempt, case, partial(write_case, found))
        del read, found  # or they would stay until the next is computed
    if writing is not None:
        report(writing.result())
