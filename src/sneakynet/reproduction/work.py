"""Many units in an order that makes every early stop informative, in one process or several."""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial

from sneakynet.data.worker import start_worker
from sneakynet.reproduction.unit import Unit, run_unit


def in_order(units: Sequence[Unit]) -> list[Unit]:
    """Fold by fold: when a fold is done, every experiment has been tested on the same cases."""
    return sorted(units, key=lambda unit: unit.fold)  # the sort keeps the experiments' order


def do_units(units: Sequence[Unit], *, jobs: int, deadline: float | None, quiet: bool) -> bool:
    """Do what is left of the units.

    Args:
        units: which.
        jobs: processes.
        deadline: nothing begins, and what runs is left where it can go on, when `time.time` has passed it.
        quiet: say nothing.

    Returns:
        Whether all is done.

    Raises:
        SneakyNetError: what went wrong first; what the other processes do is finished or kept.
    """
    left = [unit for unit in in_order(units) if not unit.done]
    run = partial(_run, deadline=deadline, quiet=quiet)
    if jobs == 1 or len(left) < 2:
        return all(run(unit) for unit in left)  # ends with the first that the deadline cut short
    # Workers start fresh: forking a process that runs torch threads can hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(left)), mp_context=context, initializer=start_worker)
    try:
        return all(done.result() for done in as_completed([pool.submit(run, unit) for unit in left]))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def say(text: str, *, quiet: bool = False) -> None:
    """A line with the time of day on stderr."""
    if not quiet:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _run(unit: Unit, *, deadline: float | None, quiet: bool) -> bool:
    if deadline is not None and time.time() > deadline:
        return False
    return run_unit(unit, deadline=deadline, report=partial(say, quiet=quiet))
