"""Label maps as DICOM objects that belong to the series they were found in."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from pydicom.config import disable_value_validation

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, SettingError, SneakyNetError, VolumeError
from sneakynet.evaluation.same_grid import same_grid
from sneakynet.evaluation.slabs import slabs
from sneakynet.export.algorithm import Algorithm
from sneakynet.export.dicom_seg import dicom_seg
from sneakynet.export.rtstruct import rtstruct
from sneakynet.geometry.orientation import matching_axes, reorient, reorient_affine
from sneakynet.inference.optional_package import optional_package
from sneakynet.types import LabelArray, LabelPlanes
from sneakynet.volumes.atomic import write_whole
from sneakynet.volumes.source_series import SourceSeries
from sneakynet.volumes.volume import Volume

DicomKind = Literal["seg", "labelmap", "rtstruct"]
"""DICOM SEG (binary segments), DICOM SEG as a label map, or RT Structure Set."""

# The new series' number is the source's times 1000 and this.
_NUMBERS: dict[DicomKind, int] = {"seg": 1, "labelmap": 2, "rtstruct": 3}
_LARGEST_NUMBER = 2**31 // 1000 - 1
_LONGEST_NAME = 64  # of a segment or region, in characters


def write_dicom_labels(
    path: str | Path,
    labels: Volume,
    *,
    kind: DicomKind,
    table: BoneTable,
    source: SourceSeries,
    algorithm: Algorithm,
) -> tuple[Bone, ...]:
    """Write a label map as a DICOM object of the source's patient and study.

    Args:
        path: the file.
        labels: ids of the table, on the grid of the series, its axes in any order.
        kind: which object.
        table: the bones; those that occur are written.
        source: the series.
        algorithm: what made the labels.

    Returns:
        The bones that were written.

    Raises:
        VolumeError: the labels lie on another grid, hold no bone, or the headers of the series are damaged.
        BoneTableError: a label that the table does not hold, or a name that is too long for DICOM.
        SettingError: highdicom is not installed (SEG), or the path does not end in ``.dcm``.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".dcm":
        msg = f"{path}: the name of a DICOM file must end in .dcm"
        raise SettingError(msg)
    check_installed(kind)
    voxels = _on_grid(labels, source)
    bones = _present(voxels, table, source)
    planes = _numbered(voxels, bones)
    number, description = _series_number(source, kind), f"Bones ({algorithm.name})"[:64]
    with _silent(source), write_whole(path) as part:
        if kind == "rtstruct":
            dataset = rtstruct(
                planes, bones, source=source, algorithm=algorithm, series_number=number, description=description
            )
        else:
            dataset = dicom_seg(
                planes,
                bones,
                source=source,
                algorithm=algorithm,
                series_number=number,
                description=description,
                labelmap=kind == "labelmap",
            )
        dataset.save_as(part, enforce_file_format=True)
    return bones


def check_installed(kind: DicomKind) -> None:
    """Find out before any work whether an object can be written.

    Args:
        kind: which object.

    Raises:
        SettingError: highdicom is needed and not installed.
    """
    if kind != "rtstruct":
        optional_package("highdicom", extra="dicom")


def _on_grid(labels: Volume, source: SourceSeries) -> LabelArray:
    """The labels ``[column, row, slice]`` of the series."""
    axes = matching_axes(labels.affine, source.grid.affine)
    turned = Volume(reorient(labels.voxels, axes), reorient_affine(labels.affine, labels.shape, axes))
    if not same_grid(turned, source.grid):
        msg = (
            f"{source.path}: the label map was not made from this series: it has {_described(turned)}, the series "
            f"{_described(source.grid)} (columns, rows, slices); give the series it was made from, or resample it"
        )
        raise VolumeError(msg)
    return turned.voxels


def _described(grid: Volume) -> str:
    shape, spacing, origin = grid.shape, grid.spacing, grid.affine[:3, 3]
    return (
        f"{' x '.join(map(str, shape))} voxels of {' x '.join(f'{n:.5g}' for n in spacing)} mm from "
        f"({', '.join(f'{n:.2f}' for n in origin)}) mm along {_directions(grid)}"
    )


def _directions(grid: Volume) -> str:
    columns = (grid.affine[:3, :3] / grid.spacing).T
    return ", ".join("(" + " ".join(f"{n + 0.0:.3g}" for n in np.round(column, 3)) + ")" for column in columns)


def _present(voxels: LabelArray, table: BoneTable, source: SourceSeries) -> tuple[Bone, ...]:
    seen = np.zeros(int(voxels.max()) + 1, dtype=bool)
    for slab in slabs(voxels):
        seen[voxels[slab]] = True
    bones = tuple(table.by_id(int(label)) for label in np.flatnonzero(seen) if label)
    if not bones:
        msg = f"{source.path}: the label map holds no bone, and a DICOM object holds at least one"
        raise VolumeError(msg)
    long = [bone.name for bone in bones if len(bone.name) > _LONGEST_NAME]
    if long:
        msg = f"names of more than {_LONGEST_NAME} characters do not fit into DICOM: {', '.join(long)}; shorten them"
        raise BoneTableError(msg)
    return bones


def _numbered(voxels: LabelArray, bones: tuple[Bone, ...]) -> LabelPlanes:
    """Slice after slice, the bones numbered from 1."""
    numbers = np.zeros(bones[-1].id + 1, dtype=np.uint8 if len(bones) < 256 else np.uint16)
    numbers[[bone.id for bone in bones]] = np.arange(1, len(bones) + 1)
    planes = np.empty(voxels.shape[::-1], dtype=numbers.dtype)
    for k, plane in enumerate(planes):
        plane[...] = numbers[voxels[:, :, k].T]
    return planes


def _series_number(source: SourceSeries, kind: DicomKind) -> int:
    number = int(source.header.get("SeriesNumber") or 0)
    return (number if 0 <= number <= _LARGEST_NUMBER else 0) * 1000 + _NUMBERS[kind]


@contextmanager
def _silent(source: SourceSeries) -> Iterator[None]:
    """What pydicom and highdicom say of a header may quote it, so no warning, log entry or error of theirs gets out."""
    try:
        # Values that break a rule are taken over as they are; pydicom would log each.
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    except (SneakyNetError, OSError, MemoryError):
        raise
    except Exception as error:
        msg = (
            f"{source.path}: the headers of the series cannot be taken over into a DICOM object "
            f"({type(error).__name__}); export the series again"
        )
        raise VolumeError(msg) from None
