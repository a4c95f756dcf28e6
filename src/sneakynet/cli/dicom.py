"""``sneakynet dicom``: write a label map as DICOM SEG or RTSTRUCT."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.cohort.scans import case_name
from sneakynet.counted import counted
from sneakynet.errors import SettingError
from sneakynet.evaluation.translation import translate, translation_for, warn_of_unnamed
from sneakynet.export.algorithm import Algorithm, recorded_algorithm
from sneakynet.export.dicom_labels import DicomKind, check_installed, write_dicom_labels
from sneakynet.volumes.read import read_labels
from sneakynet.volumes.source_series import read_source_series
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True)
class DicomSettings:
    """Which labels to write, and the series they belong to."""

    labels: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="LABELS")]]
    """NIfTI, NRRD or MetaImage file with one label per voxel, on the grid of the series."""
    series: Path
    """The DICOM series that the labels were made from: its folder, zip or multi-frame file."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The file to write, ending in .dcm."""
    kind: Annotated[DicomKind, tyro.conf.arg(name="as")] = "seg"
    """DICOM SEG with binary segments, DICOM SEG as one label map (new: few programs read it), or RTSTRUCT."""
    which: str | None = None
    """Which series to take where there are several: its number or UID."""
    table: Path | None = None
    """CSV file with the bone table; by default that of sneakynet."""
    labels_table: str | None = None
    """Whose labels they are: a scheme (totalsegmentator, verse) or a CSV file; by default the label names decide."""
    algorithm: str | None = None
    """What made the labels, or manual; by default what CASE.json beside them says, else unknown."""
    algorithm_version: str = "unknown"
    """Version of what made them."""


def run(settings: DicomSettings) -> None:
    """Write the object.

    Args:
        settings: the command's options.

    Raises:
        SneakyNetError: files that cannot be read, that do not fit together, or an output that cannot be written.
    """
    check_installed(settings.kind)
    _check_output(settings)
    table = BoneTable.default() if settings.table is None else BoneTable.read(settings.table)
    if settings.labels_table is None:
        warn_of_unnamed([settings.labels])
    labels = read_labels(settings.labels)
    translation = translation_for(settings.labels, table, source=settings.labels_table)
    voxels = translate(labels.voxels, translation, path=settings.labels)
    voxels[voxels == ignored(np.dtype(voxels.dtype))] = 0
    bones = write_dicom_labels(
        settings.output,
        Volume(voxels, labels.affine),
        kind=settings.kind,
        table=table,
        source=read_source_series(settings.series, series=settings.which),
        algorithm=_algorithm(settings),
    )
    print(f"{settings.output}: {counted(len(bones), 'bone')}", file=sys.stderr)


def _check_output(settings: DicomSettings) -> None:
    """Refuse to write over what is read."""
    output, series = settings.output.resolve(), settings.series.resolve()
    if output.exists() and (series == output or series in output.parents):
        msg = f"{settings.output} is a file of the series {settings.series}, or lies among them; choose another name"
        raise SettingError(msg)


def _algorithm(settings: DicomSettings) -> Algorithm:
    if settings.algorithm is not None:
        return Algorithm(
            settings.algorithm, settings.algorithm_version, automatic=settings.algorithm.lower() != "manual"
        )
    beside = settings.labels.with_name(f"{case_name(settings.labels)}.json")
    return recorded_algorithm(beside) or Algorithm("unknown", settings.algorithm_version)
