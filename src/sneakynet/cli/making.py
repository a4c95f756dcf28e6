"""What the commands that make cases show while they work, and of what they made."""

import sys
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.data.body_folder import load_body
from sneakynet.data.case_writer import MadeCase
from sneakynet.phantom.phantom import painted, seen_labels
from sneakynet.phantom.scan import ScanSettings, draw_scan
from sneakynet.viewer.contact_sheet import SheetCase, write_contact_sheet
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

PREVIEW = "preview.png"
"""The contact sheet in a folder of made cases."""

_MOST_SHOWN = 12  # rows of a contact sheet


def follow(
    cases: Generator[MadeCase, None, None],
    *,
    what: str,
    count: int,
    output: Path,
    describe: Callable[[MadeCase], str],
    quiet: bool,
) -> list[MadeCase]:
    """Have all cases made, with a bar on stderr.

    Args:
        cases: makes one each time it is asked.
        what: the name of one.
        count: how many there will be.
        output: the folder they go to.
        describe: what to show of a case.
        quiet: show nothing.

    Returns:
        The cases, by name.
    """
    columns = (
        TextColumn(f"{what}s"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    # Closed also when Ctrl-C comes between two cases: what is queued is given up then.
    with closing(cases), Progress(*columns, console=Console(stderr=True), disable=quiet) as progress:
        task = progress.add_task("", total=count)
        made = []
        for case in cases:
            made.append(case)
            progress.update(task, advance=1, description=describe(case))
    if not quiet:
        print(f"{counted(count, what)} in {output}", file=sys.stderr)
    return sorted(made, key=lambda case: case.name)


def show(folder: Path, cases: list[MadeCase], *, scan: ScanSettings, bodies: bool, quiet: bool) -> None:
    """Write a contact sheet of some of the cases, spread evenly, beside them.

    Args:
        folder: what they were written into.
        cases: at least one.
        scan: what bodies are painted from for the picture.
        bodies: whether the folder holds bodies.
        quiet: do not say where it is.

    Raises:
        OutputError: the sheet cannot be written.
    """
    shown = [cases[n] for n in np.unique(np.linspace(0, len(cases) - 1, _MOST_SHOWN).round().astype(int))]
    rows = [_row(folder, case, scan=scan, bodies=bodies) for case in shown]
    write_contact_sheet(folder / PREVIEW, rows, table=BoneTable.default())
    if not quiet:
        print(f"{len(shown)} of them shown in {folder / PREVIEW}", file=sys.stderr)


def _row(folder: Path, case: MadeCase, *, scan: ScanSettings, bodies: bool) -> SheetCase:
    if bodies:
        body = load_body(folder / f"{case.name}.npz")
        rng = np.random.default_rng(case.facts["seed"])
        draw = draw_scan(rng, scan, age=body.age)
        return SheetCase(_caption(case), painted(body, draw), Volume(seen_labels(body, draw), body.affine))
    image = read_volume(folder / "imagesTr" / f"{case.name}_0000.nii.gz")
    return SheetCase(_caption(case), image, read_labels(folder / "labelsTr" / f"{case.name}.nii.gz"))


def _caption(case: MadeCase) -> str:
    """What is known of a case, in one line."""
    facts = case.facts
    parts = [case.name, *(str(facts[key]).replace("_", " ") for key in ("field", "pose", "sex") if key in facts)]
    for key, text in (("age", "{:.0f} years"), ("stature", "{:.2f} m"), ("bmi", "BMI {:.0f}")):
        if key in facts:
            parts.append(text.format(facts[key]))
    return " · ".join(parts)
