"""A reproduction from a plan to its page, resumable at any point."""

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from sneakynet.data.splits import SPLITS, write_splits
from sneakynet.errors import SettingError
from sneakynet.reproduction.experiment import Experiment
from sneakynet.reproduction.lock import locked
from sneakynet.reproduction.page import write_page
from sneakynet.reproduction.plan import Plan, keep_plan
from sneakynet.reproduction.pooled import collect
from sneakynet.reproduction.scans import make_scans, open_scans
from sneakynet.reproduction.tables import TABLES, TableName, experiments_of, page_tables
from sneakynet.reproduction.unit import Unit
from sneakynet.reproduction.work import do_units, say
from sneakynet.volumes.atomic import make_folder

DATA = "data"


def reproduce(
    plan: Plan,
    folder: Path,
    *,
    data: Path | None = None,
    tables: Sequence[TableName] = TABLES,
    only: Collection[str] = (),
    folds: Collection[int] = (),
    jobs: int = 1,
    threads: int = 1,
    time_limit: float | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> bool:
    """Do what is left of a plan, and write the page of what there is.

    Args:
        plan: what to do; it is kept in the folder, and another one is refused there.
        folder: made if missing.
        data: folder of the dataset; None makes phantoms in ``folder/data``.
        tables: on the page; experiments that none of them needs are left out.
        only: names of the experiments to do now; none names all.
        folds: to do now; none names all.
        jobs: processes.
        threads: of the processor for each.
        time_limit: minutes.
        device: that trains and segments.
        quiet: say nothing.

    Returns:
        Whether everything that was asked for is done.

    Raises:
        SettingError: the folder holds another plan, or a name or a number is unknown.
        SneakyNetError: whatever a step raises; what was done before is kept.
    """
    deadline = None if time_limit is None else time.time() + 60 * time_limit
    chosen = _chosen(plan, tables=tables, only=only)
    which = _folds(plan, folds)
    make_folder(folder)
    with locked(folder):
        keep_plan(folder, plan)
        source = folder / DATA if data is None else data
        units = [
            Unit(plan, experiment, fold, folder, source, device, threads)
            for experiment in chosen
            for fold in sorted(which)
        ]
        try:
            ready = data is not None or _phantoms(plan, source, jobs=jobs, deadline=deadline, quiet=quiet)
            if ready:
                _write_splits(plan, source, [folder] if data is not None else [folder, source])
            done = ready and do_units(units, jobs=jobs, deadline=deadline, quiet=quiet)
        finally:
            results = collect(plan, folder)
            write_page(folder, plan, results, page_tables(tables, results, spacing=plan.spacing))
    state = "all is done" if done else "stopped: the same command goes on"
    say(f"{state}; see {folder / 'reproduction.md'}", quiet=quiet)
    return done


def _phantoms(plan: Plan, source: Path, *, jobs: int, deadline: float | None, quiet: bool) -> bool:
    """Make what is missing; whether all are there."""
    return make_scans(
        source,
        count=len(plan.cases),
        seed=plan.seed,
        spacing=plan.spacing,
        workers=jobs,
        late=lambda: deadline is not None and time.time() > deadline,
        report=lambda name: say(f"made {name}", quiet=quiet),
    )


def _write_splits(plan: Plan, source: Path, folders: Sequence[Path]) -> None:
    """Write the folds where training looks for them and, beside phantoms, where nnU-Net does."""
    missing = sorted({*plan.cases} - {case.name for case in open_scans(source).cases})
    if missing:
        msg = f"{source} no longer holds {', '.join(missing)}; put the cases back, or begin in another folder"
        raise SettingError(msg)
    for folder in folders:
        write_splits(folder / SPLITS, [fold.split for fold in plan.folds])


def _chosen(plan: Plan, *, tables: Sequence[TableName], only: Collection[str]) -> list[Experiment]:
    names = [experiment.name for experiment in plan.experiments]
    unknown = sorted({*only} - {*names})
    if unknown:
        msg = f"no experiment {', '.join(unknown)} at scale {plan.scale}; there is: {', '.join(names)}"
        raise SettingError(msg)
    needed = {experiment.name for table in tables for experiment in experiments_of(table, plan.experiments)}
    return [each for each in plan.experiments if each.name in needed and (not only or each.name in only)]


def _folds(plan: Plan, folds: Collection[int]) -> Collection[int]:
    there = range(len(plan.folds))
    unknown = sorted({*folds} - {*there})
    if unknown:
        msg = f"no fold {', '.join(map(str, unknown))}; there are 0 to {len(there) - 1}"
        raise SettingError(msg)
    return folds or there
