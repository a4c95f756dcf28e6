"""One labelled scan as training sees it, and how it is read from a dataset's files."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Integer

from sneakynet.data.dataset import CaseFiles, Dataset
from sneakynet.data.pyramid import Pyramid
from sneakynet.data.structures import merge_structures
from sneakynet.errors import DatasetError
from sneakynet.types import LabelArray
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume


@dataclass(frozen=True)
class Case:
    """One case, in memory or in a store on disk.

    Args:
        name: of the case.
        shape: voxels of the scan before it was padded for pooling.
        pyramid: scan and labels at every scale.
        centres: class -> some of its voxels, full resolution.
    """

    name: str
    shape: tuple[int, int, int]
    pyramid: Pyramid
    centres: Mapping[int, Integer[np.ndarray, "voxel 3"]]

    @property
    def n_bytes(self) -> int:
        """What scan and labels take in memory, all levels together."""
        return sum(
            math.prod(level.shape) * level.dtype.itemsize
            for part in (self.pyramid.scan, self.pyramid.labels)
            for level in part.values()
        )

    def to(self, device: torch.device) -> "Case":
        """The same case with its voxels on a device."""
        scan = {level: voxels.to(device) for level, voxels in self.pyramid.scan.items()}
        labels = {level: voxels.to(device) for level, voxels in self.pyramid.labels.items()}
        return replace(self, pyramid=Pyramid(scan=scan, labels=labels))


def read_case(files: CaseFiles, dataset: Dataset) -> tuple[Volume, Volume]:
    """Read the scan and the label map of a case.

    Args:
        files: of the case.
        dataset: says what the labels mean.

    Returns:
        Hounsfield units, and ids of the table on the same grid.

    Raises:
        DatasetError: they lie on different grids, or labels have no meaning.
        VolumeError: a file cannot be read.
    """
    scan = read_volume(files.scan)
    if files.labels.is_dir():
        return scan, merge_structures(files.labels, scan, dataset.table)
    labels = read_labels(files.labels)
    if scan.shape != labels.shape or not np.allclose(scan.affine, labels.affine, atol=1e-2):
        msg = (
            f"the label map lies on another grid than the scan ({labels.shape} voxels, not {scan.shape}, or another "
            "affine); resample it onto the scan"
        )
        raise DatasetError(msg)
    return scan, Volume(_translated(labels.voxels, dataset), labels.affine)


def _translated(labels: LabelArray, dataset: Dataset) -> LabelArray:
    """Labels as ids of the table, in the smallest type that holds them."""
    # The highest value of the type marks voxels that count nowhere (see anatomy.ignored).
    dtype = np.uint8 if dataset.table.n_classes <= 255 else np.int16
    present = np.unique(labels)
    ids = dict(dataset.ids)
    if dataset.ignore is not None:
        ids[dataset.ignore] = int(np.iinfo(dtype).max)
    foreign = [int(value) for value in present if int(value) not in ids]
    if foreign:
        shown = ", ".join(map(str, foreign[:8])) + (" ..." if len(foreign) > 8 else "")
        msg = f"labels {shown} are not in dataset.json; add their names there or remove them from the map"
        raise DatasetError(msg)
    lut = np.zeros(int(present.max()) + 1, dtype=dtype)
    for value in present:
        lut[int(value)] = ids[int(value)]
    translated: LabelArray = lut[labels]
    return translated


def class_centres(
    labels: LabelArray, *, per_class: int, rng: np.random.Generator
) -> dict[int, Integer[np.ndarray, "voxel 3"]]:
    """Up to ``per_class`` random voxels of every bone in the labels; ignored voxels are none."""
    found = np.flatnonzero((labels > 0) & (labels < np.iinfo(labels.dtype).max))
    classes = labels.ravel()[found]
    order = np.argsort(classes, kind="stable")
    found, classes = found[order], classes[order]
    present, starts = np.unique(classes, return_index=True)
    centres = {}
    for bone, voxels in zip(present, np.split(found, starts[1:]), strict=False):
        chosen = rng.permutation(voxels)[:per_class]
        centres[int(bone)] = np.stack(np.unravel_index(chosen, labels.shape), 1).astype(np.int16)
    return centres
