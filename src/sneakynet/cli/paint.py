"""``sneakynet paint``: make CT scans of real label maps."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from sneakynet.cli.making import follow, show
from sneakynet.data.label_scheme import Scheme, label_names
from sneakynet.data.painted_dataset import Template, write_paintings
from sneakynet.phantom.label_map_settings import LabelMapSettings
from sneakynet.phantom.scan import ScanSettings


@dataclass(frozen=True)
class PaintCommand:
    """Make CT scans of a real label map, as a dataset in nnU-Net's raw layout.

    Each has the map's bones and organs in another size and shape, under another scanner. The same seed gives the same
    scan. A run that was stopped goes on where it was, and several label maps may go into one folder.
    """

    labels: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="LABELS")]]
    """NIfTI, NRRD or MetaImage file with one label per voxel."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the dataset: imagesTr, labelsTr, dataset.json."""
    names: Path | None = None
    """JSON or CSV file with the name of each label; by default those in or beside LABELS."""
    scheme: Scheme | None = None
    """Whose labels they are, where LABELS does not name them: TotalSegmentator's (total), VerSe's, an atlas's."""
    count: int = 10
    """How many scans."""
    seed: int = 0
    """Seed of the first; the others follow one by one."""
    spacing: float = 2.0
    """Mm per voxel."""
    bodies: bool = False
    """Write bodies in place of scans: what sneakynet train paints new scans of at every step."""
    preview: bool = False
    """Write preview.png as well, a contact sheet of up to 12 of them."""
    workers: int = os.cpu_count() or 1
    """Processes."""
    quiet: bool = False
    """Show no progress."""
    shape: Annotated[LabelMapSettings, tyro.conf.arg(name="")] = field(default_factory=LabelMapSettings)
    scan: ScanSettings = field(default_factory=ScanSettings)


def run(command: PaintCommand) -> None:
    """Write the dataset.

    Raises:
        SettingError: a value outside what is allowed.
        VolumeError: the label map cannot be used.
        BoneTableError: no label is named as a bone.
        OutputError: the folder cannot be written.
    """
    names = label_names(command.labels, names=command.names, scheme=command.scheme)
    template = Template(
        labels=command.labels,
        names=tuple(sorted(names.items())),
        spacing=command.spacing,
        shape=command.shape,
        scan=command.scan,
    )
    cases = write_paintings(
        command.output,
        template,
        count=command.count,
        seed=command.seed,
        bodies=command.bodies,
        workers=command.workers,
    )
    made = follow(
        cases,
        what="painting",
        count=command.count,
        output=command.output,
        describe=lambda case: case.name,
        quiet=command.quiet,
    )
    if command.preview:
        show(command.output, made, scan=command.scan, bodies=command.bodies, quiet=command.quiet)
