"""``sneakynet phantom``: make labelled synthetic CT scans."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sneakynet.cli.making import follow, show
from sneakynet.data.phantom_dataset import Recipe, write_phantoms
from sneakynet.phantom.field_of_view import Field
from sneakynet.phantom.settings import PhantomSettings


@dataclass(frozen=True)
class PhantomCommand:
    """Make labelled synthetic CT scans of an articulated skeleton, as a dataset in nnU-Net's raw layout.

    The same seed gives the same scan. A run that was stopped goes on where it was.
    """

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the dataset: imagesTr, labelsTr, dataset.json."""
    count: int = 10
    """How many scans, each of another body."""
    seed: int = 0
    """Seed of the first; the others follow one by one."""
    spacing: float = 2.0
    """Mm per voxel."""
    field: Field | None = None
    """Part of the body; by default drawn for each scan."""
    bodies: bool = False
    """Write bodies in place of scans: what sneakynet train paints new scans of at every step."""
    preview: bool = False
    """Write preview.png as well, a contact sheet of up to 12 of them."""
    workers: int = os.cpu_count() or 1
    """Processes."""
    quiet: bool = False
    """Show no progress."""
    settings: Annotated[PhantomSettings, tyro.conf.arg(name="")] = dataclasses.field(default_factory=PhantomSettings)


def run(command: PhantomCommand) -> None:
    """Write the dataset.

    Raises:
        SettingError: a value outside what is allowed.
        OutputError: the folder cannot be written.
    """
    cases = write_phantoms(
        command.output,
        Recipe(spacing=command.spacing, field=command.field, settings=command.settings, bodies=command.bodies),
        count=command.count,
        seed=command.seed,
        workers=command.workers,
    )
    made = follow(
        cases,
        what="phantom",
        count=command.count,
        output=command.output,
        describe=lambda case: f"{case.name}: {case.facts['field']}, {str(case.facts['pose']).replace('_', ' ')}",
        quiet=command.quiet,
    )
    if command.preview:
        show(command.output, made, scan=command.settings.scan, bodies=command.bodies, quiet=command.quiet)
