"""Everything that is amiss with a dataset, found in one go and before any training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.ignored import ignored
from sneakynet.data.case import read_case
from sneakynet.data.dataset import CaseFiles, Dataset
from sneakynet.errors import SneakyNetError
from sneakynet.evaluation.plausibility.measured import measure
from sneakynet.evaluation.plausibility.sides import judge_sides
from sneakynet.volumes.canonical import canonical
from sneakynet.volumes.volume import Volume

# A side that is less plausible than this looks swapped.
_SWAPPED = 0.5


@dataclass(frozen=True)
class CaseCheck:
    """What one case is like.

    Args:
        case: its name.
        shape: voxels; None where it cannot be read.
        spacing: mm per voxel, likewise.
        orientation: towards where its axes run, as ``RAS``; likewise.
        bones: names of the bones that are labelled.
        faults: why it cannot be trained on.
        doubts: what should be looked at.
    """

    case: str
    shape: tuple[int, int, int] | None = None
    spacing: tuple[float, float, float] | None = None
    orientation: str | None = None
    bones: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetCheck:
    """What a dataset is like.

    Args:
        cases: of all of them.
        faults: of the dataset as a whole.
        table: the classes.
    """

    cases: tuple[CaseCheck, ...]
    faults: tuple[str, ...]
    table: BoneTable

    @property
    def all_faults(self) -> tuple[str, ...]:
        """Of the dataset, then of its cases."""
        return (*self.faults, *(f"case {check.case}: {fault}" for check in self.cases for fault in check.faults))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What should be looked at, with the case's name."""
        return tuple(f"case {check.case}: {doubt}" for check in self.cases for doubt in check.doubts)

    @property
    def cases_of_bone(self) -> dict[str, int]:
        """Name of each bone -> how many cases hold it."""
        return {bone.name: sum(bone.name in check.bones for check in self.cases) for bone in self.table}


def check_dataset(dataset: Dataset, *, progress: Callable[[int], None] = lambda done: None) -> DatasetCheck:
    """Look at every case.

    Args:
        dataset: as it was listed.
        progress: called with the number of cases done.
    """
    checks = []
    for done, files in enumerate(dataset.cases, start=1):
        checks.append(_check(files, dataset))
        progress(done)
    return DatasetCheck(tuple(checks), dataset.faults, dataset.table)


def _check(files: CaseFiles, dataset: Dataset) -> CaseCheck:
    try:
        scan, labels = read_case(files, dataset)
    except SneakyNetError as error:
        return CaseCheck(files.name, faults=(str(error),))
    unknown = ignored(labels.voxels.dtype)
    present = np.unique(labels.voxels)
    bones = tuple(dataset.table.by_id(int(label)).name for label in present if label not in (0, unknown))
    return CaseCheck(
        case=files.name,
        shape=scan.shape,
        spacing=scan.spacing,
        orientation=_orientation(scan),
        bones=bones,
        faults=() if bones else ("no voxel of its label map is a bone; label it or take it out",),
        doubts=tuple(_sides(labels, dataset.table, unknown=unknown)),
    )


def _sides(labels: Volume, table: BoneTable, *, unknown: int) -> Sequence[str]:
    voxels = np.where(labels.voxels == unknown, 0, labels.voxels) if unknown >= table.n_classes else labels.voxels
    if not voxels.any():
        return ()
    part = judge_sides(measure(canonical(Volume(voxels, labels.affine)), None, table=table))
    return [f"sides look swapped ({flag.evidence})" for flag in part.flags if flag.score < _SWAPPED]


def _orientation(scan: Volume) -> str:
    directions = scan.affine[:3, :3] / np.linalg.norm(scan.affine[:3, :3], axis=0)
    axes = np.abs(directions).argmax(axis=0)
    return "".join(("LPI", "RAS")[int(directions[axis, n] > 0)][axis] for n, axis in enumerate(axes))
