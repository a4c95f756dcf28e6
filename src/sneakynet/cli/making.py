"""What the commands that make cases show while they work."""

import sys
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sneakynet.data.case_writer import MadeCase


def follow(
    cases: Generator[MadeCase, None, None],
    *,
    what: str,
    count: int,
    output: Path,
    describe: Callable[[MadeCase], str],
    quiet: bool,
) -> None:
    """Have all cases made, with a bar on stderr.

    Args:
        cases: makes one each time it is asked.
        what: their name in the plural.
        count: how many there will be.
        output: the folder they go to.
        describe: what to show of a case.
        quiet: show nothing.
    """
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    # Closed also when Ctrl-C comes between two cases: what is queued is given up then.
    with closing(cases), Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        task = progress.add_task("", total=count)
        for case in cases:
            progress.update(task, advance=1, description=describe(case))
    if not quiet:
        print(f"{count} {what} in {output}", file=sys.stderr)
