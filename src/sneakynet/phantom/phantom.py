"""A synthetic CT scan of a labelled upper body, made from a seed."""

from dataclasses import dataclass

import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.phantom.body import Body
from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
from sneakynet.phantom.cortex import draw_cortex
from sneakynet.phantom.field_of_view import FIELDS, draw_field_of_view
from sneakynet.phantom.image import paint_scan, reconstructed
from sneakynet.phantom.metal import lay_metal
from sneakynet.phantom.person import draw_person
from sneakynet.phantom.scan import ScanDraw, draw_scan
from sneakynet.phantom.settings import PhantomSettings, check_phantom_settings
from sneakynet.phantom.soft_tissue import lay_tissue
from sneakynet.phantom.tissue_ids import tissue_ids
from sneakynet.types import LabelArray
from sneakynet.volumes.volume import Volume

_SPACING_RANGE = (0.5, 12.0)
_STORED = (-1024, 3071)  # HU, what 12-bit CT holds


@dataclass(frozen=True, eq=False)
class Phantom:
    """A scan and its true labels on the same grid.

    Args:
        scan: int16 HU.
        labels: one bone id of the table per voxel, 0 for all else; the highest value of the type (255 for up to 254
            bones) where a bone has no class, as a thirteenth rib.
        facts: how the body was made, plain values: ``pose``, ``field``, sex, age, variants and so on.
        draw: the acquisition.
    """

    scan: Volume
    labels: Volume
    facts: dict[str, object]
    draw: ScanDraw


def make_body(
    seed: int,
    *,
    spacing: float = 2.0,
    field: str | None = None,
    settings: PhantomSettings | None = None,
    table: BoneTable | None = None,
) -> Body:
    """One body as voxels; the same seed and settings give the same body.

    Args:
        seed: not negative.
        spacing: mm per voxel, isotropic, 0.5 to 12.
        field: which part of the body, one of ``FIELDS``; drawn when not given.
        settings: what is drawn from; the defaults when not given.
        table: the classes; bones it does not hold are there and have no label. The default table when not given.

    Raises:
        SettingError: a value outside what is allowed.
    """
    check_settings(seed, spacing=spacing, field=field)
    settings = PhantomSettings() if settings is None else settings
    check_phantom_settings(settings)
    bone_table = BoneTable.default() if table is None else table
    # One stream per step: a change in how tissue is drawn leaves persons as they are.
    person_rng, field_rng, tissue_rng, bone_rng, metal_rng = (np.random.default_rng([seed, step]) for step in range(5))
    person = draw_person(person_rng, settings.person)
    kind, box = draw_field_of_view(field_rng, person.surfaces, field, shares=settings.fields)
    grid = _grid(box, spacing)
    bones = voxelise_bones(
        person.surfaces,
        grid=grid,
        ids={bone.name: bone.id for bone in bone_table},
        cortex=draw_cortex(
            bone_rng,
            sorted(person.surfaces),
            factor=settings.cortex,
            spread=settings.cortex_spread,
            age=float(person.facts["age"]),
        ),
        skull_mm=float(bone_rng.uniform(*settings.skull_mm)),
        ignore=person.unclassed,
    )
    tissues = lay_tissue(person.surfaces, grid=grid, settings=settings.tissue, rng=tissue_rng, facts=person.facts)
    tissues[bones.cartilage > bones.bone] = tissue_ids()["cartilage"]
    metal = lay_metal(person.surfaces, grid=grid, settings=settings.tissue, rng=metal_rng)
    facts = {"seed": seed, **person.facts, "pose": person.pose, "field": kind}
    return Body(bones.labels, tissues, bones.bone, bones.cortex, metal, grid.affine, facts)


def make_phantom(
    seed: int,
    *,
    spacing: float = 2.0,
    field: str | None = None,
    settings: PhantomSettings | None = None,
    table: BoneTable | None = None,
) -> Phantom:
    """One scan of one body; arguments and errors as :func:`make_body`'s."""
    settings = PhantomSettings() if settings is None else settings
    body = make_body(seed, spacing=spacing, field=field, settings=settings, table=table)
    draw = scan_of(body, seed, settings)
    return Phantom(painted(body, draw), Volume(seen_labels(body, draw), body.affine), body.facts, draw)


def scan_of(body: Body, seed: int, settings: PhantomSettings) -> ScanDraw:
    """An acquisition of a body, drawn from a seed."""
    return draw_scan(np.random.default_rng([seed, 5]), settings.scan, age=body.age)


def painted(body: Body, draw: ScanDraw) -> Volume:
    """The scan as it is stored: whole HU within what CT can hold."""
    hu = paint_scan(body, draw).round_().clamp_(*_STORED)
    return Volume(hu.numpy().astype(np.int16), body.affine)


def seen_labels(body: Body, draw: ScanDraw) -> LabelArray:
    """The labels of a scan: nothing is known beyond the circle that the scanner reconstructs."""
    shown = reconstructed(body.shape, draw).numpy()
    if shown.all():
        return body.labels
    labels = body.labels.copy()
    labels[~shown] = np.iinfo(labels.dtype).max
    return labels


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
