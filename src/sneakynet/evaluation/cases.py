"""Many cases compared, several at once; one that cannot be does not stop the others."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from sneakynet.errors import DatasetError, SneakyNetError
from sneakynet.evaluation.case import CaseResult, Comparison, compare_files
from sneakynet.evaluation.pairing import Pair

# Starting a process takes some seconds: fewer cases are compared one after the other.
_WORTH_IT = 4


def compare_cases(
    pairs: Sequence[Pair],
    how: Comparison,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[CaseResult], dict[str, str]]:
    """Compare all cases.

    Args:
        pairs: their files.
        how: whose labels they hold, and what is compared.
        workers: processes; None takes the processor's cores where there are four cases or more, else 1.
        progress: called with the number of cases done.

    Returns:
        Results of the cases that could be compared, in the order of the pairs; and case -> what is wrong with it.
    """
    if workers is None:
        workers = os.cpu_count() or 1 if len(pairs) >= _WORTH_IT else 1
    results, faults = [], {}
    with _executor(min(workers, len(pairs))) as executor:
        futures = [executor.submit(compare_files, pair, how) for pair in pairs] if executor else None
        for done, pair in enumerate(pairs, start=1):
            try:
                result = futures[done - 1].result() if futures else compare_files(pair, how)
                if result.scores or len(pairs) == 1:
                    results.append(result)
                else:
                    faults[pair.case] = "its reference holds no bone of the bone table; take the case out, or label it"
            except BrokenProcessPool:
                faults[pair.case] = (
                    "the process that compared it was killed, likely for want of memory; use --workers 1"
                )
            except SneakyNetError as error:
                faults[pair.case] = str(error)
            progress(done)
    return results, faults


def refuse_cases(faults: dict[str, str], *, total: int) -> None:
    """Raise what is wrong with all cases that could not be compared; nothing is raised where all could.

    Raises:
        DatasetError: with a line for each.
    """
    if not faults:
        return
    if total == 1:
        raise DatasetError(next(iter(faults.values())))
    lines = "".join(
        f"\n  - {fault}" if f"case {case}:" in fault else f"\n  - case {case}: {fault}"
        for case, fault in faults.items()
    )
    left = "none could" if len(faults) == total else "the figures are those of the others"
    msg = f"{len(faults)} of {total} cases could not be compared; {left}{lines}"
    raise DatasetError(msg)


@contextmanager
def _executor(workers: int) -> Iterator[Executor | None]:
    if workers < 2:
        yield None
        return
    # Not forked: threads of libraries do not survive that.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as executor:
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
