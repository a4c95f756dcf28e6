"""``sneakynet compare``: which of several methods is better on the same cases."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tyro.conf import Positional

from sneakynet.counted import counted
from sneakynet.errors import SettingError
from sneakynet.evaluation.comparison import ALL, Comparison, Difference, compare_methods
from sneakynet.evaluation.comparison_files import comparison_csv, comparison_json
from sneakynet.evaluation.metric import BY_KEY
from sneakynet.evaluation.scores import read_scores
from sneakynet.viewer.comparison_page import comparison_page
from sneakynet.viewer.forest_plot import draw_forest_plot, save_forest_plot
from sneakynet.volumes.atomic import make_folder, write_whole


@dataclass(frozen=True)
class CompareSettings:
    """Which methods to compare, and where to write what was found.

    The first is what the others are compared to in the figure; the tables have every pair.
    """

    scores: Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="SCORES [MORE ...]")]]
    """Folders that `sneakynet evaluate` wrote, two or more, one per method."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for comparison.csv, comparison.json, comparison.png, comparison.svg and compare.html."""
    names: tuple[str, ...] = ()
    """Names of the methods, in the order of their folders; by default the folders' names."""
    common: bool = False
    """Where the methods do not have the same cases and bones, compare those that all of them have."""
    resamples: int = 10000
    """Times that the cases are drawn anew for the intervals, 100 or more."""
    seed: int = 0
    """Seed of the resampling, 0 or more."""
    json: bool = False
    """Print the comparison to stdout as JSON."""


def run(settings: CompareSettings) -> None:
    """Compare the methods, write the files, and print a short table to stderr.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: scores that cannot be read or compared, or an output that cannot be written.
    """
    if settings.names and len(settings.names) != len(settings.scores):
        folders = counted(len(settings.scores), "folder")
        msg = f"--names needs one name for each of the {folders}, got {len(settings.names)}"
        raise SettingError(msg)
    if not all(name.strip() for name in settings.names):
        msg = f"--names needs a name for each folder, got {list(settings.names)}"
        raise SettingError(msg)
    names = settings.names or [folder.resolve().name for folder in settings.scores]
    methods = [read_scores(folder, name=name) for folder, name in zip(settings.scores, names, strict=True)]
    comparison = compare_methods(methods, common=settings.common, resamples=settings.resamples, seed=settings.seed)
    make_folder(settings.output)
    _write(settings.output, comparison)
    Console(stderr=True).print(_rendered(comparison))
    if settings.json:
        print(comparison_json(comparison))


def _write(folder: Path, comparison: Comparison) -> None:
    """Write every file, or none."""
    texts = {
        "comparison.csv": comparison_csv(comparison),
        "comparison.json": comparison_json(comparison) + "\n",
        "compare.html": comparison_page(comparison),
    }
    with ExitStack() as files:
        for name, text in texts.items():
            files.enter_context(write_whole(folder / name)).write_text(text, encoding="utf-8")
        figure = draw_forest_plot(comparison)
        for name in ("comparison.png", "comparison.svg"):
            save_forest_plot(files.enter_context(write_whole(folder / name)), figure)


def _rendered(comparison: Comparison) -> Table:
    """Figures over all bones, in the width of a small terminal: the means only where they are those of two methods."""
    title = f"{counted(len(comparison.cases), 'case')}, all bones"
    view = Table(box=None, pad_edge=False, title=title, caption="; ".join(comparison.notes()) or None)
    view.add_column("metric", no_wrap=True)
    two = len(comparison.methods) == 2
    for header in map(escape, comparison.methods) if two else ("first", "second"):
        view.add_column(header, overflow="fold", justify="right" if two else "left")
    for header in ("difference", "95% interval", "p" if two else "p (Holm)"):
        view.add_column(header, justify="right", no_wrap=True)
    for row in comparison.differences:
        if row.group == ALL:
            view.add_row(*_cells(row, means=two))
    return view


def _cells(row: Difference, *, means: bool) -> tuple[str, ...]:
    digits = BY_KEY[row.metric].digits
    interval = "-" if row.low is None or row.high is None else f"{row.low:+.{digits}f} {row.high:+.{digits}f}"
    return (
        row.metric,
        *((f"{mean:.{digits}f}" for mean in (row.mean_first, row.mean_second)) if means else ()),
        *(() if means else (escape(row.first), escape(row.second))),
        f"{row.difference:+.{digits}f}",
        interval,
        "-" if row.p_holm is None else f"{row.p_holm:.2g}",
    )
