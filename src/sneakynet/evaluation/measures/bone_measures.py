"""Every bone of a label map in figures: how large, where and how it lies, how dense, how sure."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from jaxtyping import Float64, Integer

from sneakynet.anatomy.bone import BoneTable
from sneakynet.evaluation.bone_statistics import BoneStatistics, bone_statistics
from sneakynet.evaluation.cut_faces import Face, cut_faces
from sneakynet.evaluation.measures.inner import inside, reach_of
from sneakynet.evaluation.measures.intensities import Intensities
from sneakynet.evaluation.measures.l1_band import l1_band
from sneakynet.evaluation.measures.pieces import Piece, pieces
from sneakynet.evaluation.measures.principal_axes import extents, principal_axes
from sneakynet.evaluation.measures.surface_area import CELLS, cell_areas, cell_codes, count_cells
from sneakynet.types import Affine
from sneakynet.volumes.volume import Volume

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class BoneMeasures:
    """One bone of one scan. What needs a scan is None without one, and so is a mean of fewer than 10 voxels.

    Args:
        id: its label.
        name: its name in the bone table.
        side: ``left``, ``right`` or None.
        mirror: name of the same bone of the other side, or None.
        group: of the bone table.
        voxels: how many voxels of the scan bear the label.
        volume_ml: their volume, millilitres.
        surface_cm2: their surface (see `surface_area`), square centimetres.
        length_mm: how far the bone reaches along its first axis.
        width_mm: along its second.
        thickness_mm: along its third.
        centroid_mm: mean of the voxels' centres, world mm, RAS+ (x to the patient's right, y to anterior, z to
            superior).
        axis_1: unit vector, RAS+, along which the voxels spread most (see `principal_axes` for its sign).
        axis_2: across it, along which they spread more.
        axis_3: across both.
        mean_hu: of the scan over the voxels, Hounsfield units.
        sd_hu: standard deviation.
        p5_hu: percentiles, to 1 HU.
        p25_hu: likewise.
        median_hu: likewise.
        p75_hu: likewise.
        p95_hu: likewise.
        shell_hu: mean of the outer 3 mm (see `inner`).
        cortical_hu: mean of what has 600 HU or more there.
        cortical_share: how much of the outer 3 mm that is, 0 to 1.
        trabecular_hu: mean of what lies deeper and has less than 600 HU.
        l1_band_hu: of the first lumbar vertebra, where ``trabecular_hu`` stands (see `l1_band`).
        confidence_percent: mean probability of the label, where it was asked for.
        touches_edge: whether the label reaches a face of the scan, so that the bone may go on beyond it.
        cut_faces: which faces those are.
    """

    id: int
    name: str
    side: str | None
    mirror: str | None
    group: str
    voxels: int
    volume_ml: float
    surface_cm2: float
    length_mm: float
    width_mm: float
    thickness_mm: float
    centroid_mm: Vector
    axis_1: Vector
    axis_2: Vector
    axis_3: Vector
    mean_hu: float | None = None
    sd_hu: float | None = None
    p5_hu: float | None = None
    p25_hu: float | None = None
    median_hu: float | None = None
    p75_hu: float | None = None
    p95_hu: float | None = None
    shell_hu: float | None = None
    cortical_hu: float | None = None
    cortical_share: float | None = None
    trabecular_hu: float | None = None
    l1_band_hu: str | None = None
    confidence_percent: float | None = None
    touches_edge: bool = False
    cut_faces: tuple[Face, ...] = ()

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "BoneMeasures":
        """Rebuild from what JSON gives.

        Raises:
            ValueError: a key is missing or not known.
        """
        names = {each.name for each in fields(cls)}
        if record.keys() != names:
            msg = f"keys that are missing or not known: {', '.join(sorted(record.keys() ^ names))}"
            raise ValueError(msg)
        values: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in record.items()}
        return cls(**values)


def measure_bones(
    labels: Volume, scan: Volume | None, *, table: BoneTable, confidence: Volume | None = None
) -> tuple[BoneMeasures, ...]:
    """Measure every bone that a label map holds, block by block.

    Args:
        labels: ids of the table; voxels that count nowhere (``anatomy.ignored``) are no bone.
        scan: Hounsfield units on the same grid; None measures the labels alone.
        table: the bones behind the ids.
        confidence: percent on the same grid, if it is known.

    Returns:
        One record per bone that has a voxel, in the order of the ids.

    Raises:
        VolumeError: labels and scan differ in shape.
        BoneTableError: a label is not in the table.
    """
    found = {bone.id: bone for bone in bone_statistics(labels, scan, table=table)}
    # As they lie in memory, so that rows of blocks lie together.
    order = [int(axis) for axis in np.argsort(-np.abs(labels.voxels.strides), kind="stable")]
    ids = labels.voxels.transpose(order)
    hu, percent = (None if volume is None else volume.voxels.transpose(order) for volume in (scan, confidence))
    affine = labels.affine[:, [*order, 3]]
    i, j, k = (labels.spacing[axis] for axis in order)
    reach = (1, 1, 1) if hu is None else reach_of((i, j, k))
    gathered = {label: _Gathered() for label in found}
    for piece in pieces(ids, highest=max(found, default=0), reach=reach):
        gathered[piece.id].add(piece, hu=hu, percent=percent, reach=reach)
    areas, faces = cell_areas(affine), cut_faces(labels)
    return tuple(
        _measures(bone, gathered[label], table=table, affine=affine, areas=areas, faces=faces.get(label, ()))
        for label, bone in found.items()
    )


@dataclass
class _Gathered:
    """Sums over one bone, to which pieces are added."""

    squares: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))
    sums: np.ndarray = field(default_factory=lambda: np.zeros(3))
    cells: np.ndarray = field(default_factory=lambda: np.zeros(CELLS, dtype=np.int64))
    ends: list[np.ndarray] = field(default_factory=list)
    intensities: Intensities | None = None
    percent: float | None = None

    def add(
        self, piece: Piece, *, hu: np.ndarray | None, percent: np.ndarray | None, reach: tuple[int, int, int]
    ) -> None:
        self.cells += count_cells(cell_codes(piece.mask)[piece.cells])
        own = piece.mask[piece.own]
        if not own.any():
            return
        points = np.array(np.nonzero(own), dtype=np.float64) + np.array(piece.low)[:, None]
        self.sums += points.sum(axis=1)
        self.squares += points @ points.T
        self.ends.append(_ends_of_rows(piece))
        if hu is not None:
            self.intensities = self.intensities or Intensities()
            self.intensities.add(hu[piece.in_volume][own], inside(piece, reach)[own])
        if percent is not None:
            self.percent = (self.percent or 0.0) + float(percent[piece.in_volume][own].sum(dtype=np.float64))


def _ends_of_rows(piece: Piece) -> Integer[np.ndarray, "point 3"]:
    """Indices in the volume of the first and last voxels along the last axis: the outermost are among them."""
    i, j, k = piece.own
    before, after = (piece.mask[i, j, slice(k.start + step, k.stop + step)] for step in (-1, 1))
    ends = piece.mask[piece.own] & ~(before & after)
    return (np.stack(np.nonzero(ends), axis=1) + piece.low).astype(np.int32)


def _measures(
    bone: BoneStatistics,
    gathered: _Gathered,
    *,
    table: BoneTable,
    affine: Affine,
    areas: Float64[np.ndarray, " code"],
    faces: tuple[Face, ...],
) -> BoneMeasures:
    steps = affine[:3, :3]
    mean = gathered.sums / bone.voxels
    # A voxel is a box, not a point: it spreads by a twelfth of its edges' squares.
    spread = gathered.squares / bone.voxels - np.outer(mean, mean) + np.eye(3) / 12
    axes = principal_axes(steps @ spread @ steps.T)
    length, width, thickness = (round(float(x), 2) for x in extents(np.concatenate(gathered.ends), axes, affine))
    axis_1, axis_2, axis_3 = ((round(float(x), 5), round(float(y), 5), round(float(z), 5)) for x, y, z in axes)
    of = table.by_id(bone.id)
    figures: dict[str, Any] = {} if gathered.intensities is None else gathered.intensities.figures()
    percent = gathered.percent
    return BoneMeasures(
        id=bone.id,
        name=bone.name,
        side=of.side,
        mirror=of.mirror,
        group=of.group,
        voxels=bone.voxels,
        volume_ml=bone.volume_ml,
        surface_cm2=round(float(gathered.cells @ areas) / 100, 3),
        length_mm=length,
        width_mm=width,
        thickness_mm=thickness,
        centroid_mm=bone.centroid_mm,
        axis_1=axis_1,
        axis_2=axis_2,
        axis_3=axis_3,
        mean_hu=bone.mean_hu,
        **figures,
        l1_band_hu=l1_band(bone.name, figures.get("trabecular_hu")),
        confidence_percent=None if percent is None else round(percent / bone.voxels, 1),
        touches_edge=bone.touches_edge,
        cut_faces=faces,
    )
