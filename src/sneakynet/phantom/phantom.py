"""A synthetic CT scan of a labelled upper body, made from a seed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
from sneakynet.phantom.ct import acquire, draw_scanner
from sneakynet.phantom.field_of_view import FIELDS, draw_field_of_view
from sneakynet.phantom.metal import draw_metal
from sneakynet.phantom.pose import draw_pose
from sneakynet.phantom.shape import draw_shape, shaped
from sneakynet.phantom.skeleton import skeleton
from sneakynet.phantom.soft_tissue import draw_tissue, paint_soft_tissue
from sneakynet.phantom.surface import Surface
from sneakynet.volumes.volume import Volume

_SPACING_RANGE = (0.5, 12.0)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan and its true labels on the same grid.

    Args:
        scan: int16 HU.
        labels: one bone id of the table per voxel, 0 for all else.
        pose: how the arms lie (``pose.POSES``).
        field: what the scan shows (``field_of_view.FIELDS``).
    """

    scan: Volume
    labels: Volume
    pose: str
    field: str


def posed_body(rng: np.random.Generator) -> tuple[str, dict[str, Surface]]:
    """A person in the scanner: the pose's name and the surfaces of all bones in RAS mm."""
    source = skeleton()
    pose, angles = draw_pose(rng, source.joints)
    surfaces = source.posed(angles)
    return pose, shaped(surfaces, draw_shape(rng, sorted(surfaces)))


def make_phantom(
    seed: int, *, spacing: float = 2.0, field: str | None = None, table: BoneTable | None = None
) -> Phantom:
    """One scan of one body; the same seed and settings give the same scan.

    Args:
        seed: not negative.
        spacing: mm per voxel, isotropic, 0.5 to 12.
        field: which part of the body, one of ``FIELDS``; drawn when not given.
        table: the classes; bones it does not hold are painted and not labelled. The default table when not given.

    Raises:
        SettingError: a value outside what is allowed.
    """
    check_settings(seed, spacing=spacing, field=field)
    bone_table = BoneTable.default() if table is None else table
    # One stream per step: a change in how tissue is drawn leaves bodies as they are.
    body_rng, field_rng, tissue_rng, scan_rng = (np.random.default_rng([seed, step]) for step in range(4))
    pose, surfaces = posed_body(body_rng)
    kind, box = draw_field_of_view(field_rng, surfaces, field)
    grid = _grid(box, spacing)
    tissue, scanner = draw_tissue(tissue_rng), draw_scanner(scan_rng)
    bones = voxelise_bones(
        surfaces,
        grid=grid,
        ids=_ids(bone_table),
        cortex_mm=_cortex(surfaces, scan_rng),
        skull_mm=float(scan_rng.uniform(5, 9)),
    )
    soft = paint_soft_tissue(surfaces, grid=grid, tissue=tissue, rng=tissue_rng)
    scan = acquire(
        soft,
        bones,
        grid=grid,
        scanner=scanner,
        brain=tissue.brain,
        cartilage=tissue.cartilage,
        metal=draw_metal(scan_rng, surfaces, grid),
        rng=scan_rng,
    )
    return Phantom(Volume(scan, grid.affine), Volume(bones.labels, grid.affine), pose, kind)


def check_settings(seed: int, *, spacing: float, field: str | None = None) -> None:
    """Refuse what no phantom can be made from; arguments as :func:`make_phantom`'s.

    Raises:
        SettingError: a value outside what is allowed.
    """
    if seed < 0:
        msg = f"a phantom's seed is a whole number from 0 on, got {seed}"
        raise SettingError(msg)
    low, high = _SPACING_RANGE
    if not low <= spacing <= high:
        msg = f"a phantom's spacing is {low} to {high} mm per voxel, got {spacing}"
        raise SettingError(msg)
    if field is not None and field not in FIELDS:
        msg = f"a phantom's field of view is one of {', '.join(FIELDS)}; got {field!r}"
        raise SettingError(msg)


def _grid(box: np.ndarray, spacing: float) -> Grid:
    i, j, k = (max(1, round(float(length) / spacing)) for length in box[1] - box[0])
    x, y, z = (float(low) + spacing / 2 for low in box[0])
    return Grid((x, y, z), (i, j, k), spacing)


def _ids(table: BoneTable) -> dict[str, int]:
    return {bone.name: bone.id for bone in table}


def _cortex(surfaces: Mapping[str, Surface], rng: np.random.Generator) -> dict[str, float]:
    """Thickness of the cortical shell, mm: one range for every bone, so that none is known by it."""
    thickness = rng.uniform(0.8, 2.6)
    return {name: float(thickness * rng.uniform(0.7, 1.5)) for name in sorted(surfaces)}
