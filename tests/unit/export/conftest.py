"""A series and labels on its grid, for the DICOM objects made from them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.export.algorithm import Algorithm
from sneakynet.export.dicom_labels import DicomKind, write_dicom_labels
from sneakynet.volumes.source_series import SourceSeries, read_source_series
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
ALGORITHM = Algorithm("SneakyNet", "1.2", model="tiny")


@dataclass(frozen=True)
class Labelled:
    """A series in a folder and labels ``[column, row, slice]`` for it."""

    folder: Path
    source: SourceSeries
    labels: Volume

    @property
    def masks(self) -> dict[str, np.ndarray]:
        """Bone -> its mask ``[slice, row, column]``."""
        voxels = self.labels.voxels.transpose(2, 1, 0)
        return {TABLE.by_id(int(label)).name: voxels == label for label in np.unique(voxels) if label}

    def write(self, path: Path, kind: DicomKind, **others: Any) -> tuple[Bone, ...]:
        how = {"labels": self.labels, "table": TABLE, "source": self.source, "algorithm": ALGORITHM} | others
        return write_dicom_labels(path, how.pop("labels"), kind=kind, **how)


@pytest.fixture
def labelled(dicom: Any, tmp_path: Path) -> Callable[..., Labelled]:
    """A series as asked for, and bones in it: one with a hole and an island in that, one in pieces, one of a voxel."""

    def make(positions: Any = None, *, rows: int = 12, columns: int = 15, **how: Any) -> Labelled:
        positions = dicom.axial([0, 2, 4, 6]) if positions is None else positions
        how = {"hu": dicom.values(len(positions), rows=rows, columns=columns), "edit": dicom.as_from_a_scanner} | how
        folder = dicom.series(tmp_path / "series", positions, **how)
        source = read_source_series(folder)
        voxels = np.zeros(source.grid.shape, np.uint8)
        voxels[1:9, 2:10] = TABLE["hip_left"].id
        voxels[3:7, 4:8] = 0
        voxels[5, 5] = TABLE["hip_left"].id
        voxels[:, 0, 1:3] = TABLE["rib_right_12"].id
        voxels[4, 0, 2] = 0
        voxels[-1, -1, -1] = TABLE["hyoid"].id
        return Labelled(folder, source, Volume(voxels, source.grid.affine))

    return make
