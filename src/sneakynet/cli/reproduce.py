"""``sneakynet reproduce``: the paper's experiments, and our tables beside the paper's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from sneakynet.errors import SettingError
from sneakynet.inference.device import resolve_device
from sneakynet.phantom.phantom import check_settings
from sneakynet.reproduction.plan import make_plan
from sneakynet.reproduction.run import reproduce
from sneakynet.reproduction.scale import SCALES, ScaleName
from sneakynet.reproduction.scans import open_scans, phantom_names
from sneakynet.reproduction.tables import TABLES, TableName


@dataclass(frozen=True)
class ReproduceSettings:
    """Repeat the paper's experiments on phantoms, or on scans of your own.

    Networks A to D at equal parameters, contexts and patch sizes, in five folds; every scan is tested once. What is
    done is kept: the same command goes on where it was, after a time limit, Ctrl-C or a crash.
    """

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for data, runs and the page (reproduction.md, .html, .json)."""
    table: Literal["1", "2", "3", "4", "confusion", "all"] = "all"
    """Which of the paper's tables to repeat; experiments that it does not need are left out."""
    scale: ScaleName = "small"
    """smoke: minutes, to see that everything works; small: hours on two cores; full: the paper's, for a GPU."""
    data: Path | None = None
    """Folder of labelled scans in nnU-Net's raw layout; by default phantoms are made in the output folder."""
    only: tuple[str, ...] = ()
    """Experiments to do now, by name, such as A_32 and D_32_64_128; by default all."""
    folds: tuple[int, ...] = ()
    """Folds to do now, 0 to 4; by default all."""
    iterations: int | None = None
    """Training iterations of every network; by default the scale's."""
    spacing: float | None = None
    """Edge of a voxel in mm; by default the scale's."""
    seed: int = 0
    """Seed of phantoms, folds, first weights and patches."""
    jobs: int = 1
    """Processes that train at the same time."""
    threads: int | None = None
    """Processor threads for each process; by default all cores are shared out among them."""
    time_limit: float | None = None
    """Minutes until it stops and writes the page of what there is; the same command goes on from there."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 ...; auto takes the first GPU if there is one."""
    quiet: bool = False
    """Say nothing of what is being done."""


def run(settings: ReproduceSettings) -> None:
    """Do what is left, and write the page.

    Raises:
        SettingError: a value outside what is allowed, or the folder holds another reproduction.
        SneakyNetError: see ``sneakynet.reproduction.run.reproduce``.
    """
    limit = settings.time_limit
    faults = [
        f"{name} must be {rule}, got {value}"
        for name, rule, value, good in (
            ("jobs", "1 or more", settings.jobs, settings.jobs >= 1),
            ("threads", "1 or more", settings.threads, settings.threads is None or settings.threads >= 1),
            ("seed", "0 or more", settings.seed, settings.seed >= 0),
            ("spacing", "above 0 mm", settings.spacing, settings.spacing is None or settings.spacing > 0),
            ("time_limit", "above 0 minutes", limit, limit is None or limit > 0),
        )
        if not good
    ]
    if faults:
        raise SettingError("; ".join(faults))
    resolve_device(settings.device)
    if settings.data is None:
        names = phantom_names(SCALES[settings.scale].cases, seed=settings.seed)
    else:
        names = tuple(case.name for case in open_scans(settings.data).cases)
    plan = make_plan(
        settings.scale,
        cases=names,
        data="phantoms" if settings.data is None else str(settings.data.resolve()),
        seed=settings.seed,
        iterations=settings.iterations,
        spacing=settings.spacing,
    )
    if settings.data is None:
        check_settings(settings.seed, spacing=plan.spacing)
    tables: tuple[TableName, ...] = TABLES if settings.table == "all" else (settings.table,)
    reproduce(
        plan,
        settings.output,
        data=settings.data,
        tables=tables,
        only=settings.only,
        folds=settings.folds,
        jobs=settings.jobs,
        threads=settings.threads or max(1, torch.get_num_threads() // settings.jobs),
        time_limit=settings.time_limit,
        device=settings.device,
        quiet=settings.quiet,
    )
