"""A dataset of phantoms on disk, as scans in nnU-Net's raw layout or as bodies to be painted in training."""

import dataclasses
from collections.abc import Generator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.case_writer import MadeCase, MadeScan, Series, write_cases
from sneakynet.phantom.body import Body
from sneakynet.phantom.phantom import check_settings, make_body, make_phantom
from sneakynet.phantom.scan import check_scan_settings
from sneakynet.phantom.settings import PhantomSettings, check_phantom_settings


@dataclass(frozen=True)
class Recipe:
    """What decides a dataset of phantoms, beside the seeds.

    Args:
        spacing: mm per voxel.
        field: part of the body, one of ``field_of_view.FIELDS``; drawn for each when not given.
        settings: what phantoms are drawn from.
        bodies: write bodies to be painted in training, in place of scans.
    """

    spacing: float
    field: str | None = None
    settings: PhantomSettings = dataclasses.field(default_factory=PhantomSettings)
    bodies: bool = False


def write_phantoms(
    folder: Path, recipe: Recipe, *, count: int, seed: int, workers: int = 1
) -> Generator[MadeCase, None, None]:
    """Write phantoms ``seed`` to ``seed + count - 1``, yielding each as it is done.

    A run that was stopped goes on: cases whose files are there are not made again. ``dataset.json`` comes last.

    Args:
        folder: gets ``imagesTr``, ``labelsTr``, ``phantoms`` (how each was made) and ``dataset.json``; or bodies
            (``*.npz``), ``phantoms`` and ``bodies.json``.
        recipe: what to make.
        count: how many.
        seed: of the first.
        workers: processes.

    Raises:
        SettingError: a value outside what is allowed, or the folder holds phantoms of other settings.
        OutputError: the folder cannot be written.
    """
    check_settings(seed, spacing=recipe.spacing, field=recipe.field)
    check_phantom_settings(recipe.settings)
    check_scan_settings(recipe.settings.scan)
    series = Series(
        prefix="phantom",
        records="phantoms",
        make=partial(_body if recipe.bodies else _scan, recipe),
        settings=asdict(recipe),
        spacing=recipe.spacing,
        table=BoneTable.default(),
        about={
            "name": "sneakynet phantoms",
            "licence": "Apache-2.0; made from the skeleton of myo-sim (bone geometry in part CC BY 3.0, OpenSim)",
        },
    )
    yield from write_cases(folder, series, count=count, seed=seed, bodies=recipe.bodies, workers=workers)


def _body(recipe: Recipe, seed: int) -> Body:
    return make_body(seed, spacing=recipe.spacing, field=recipe.field, settings=recipe.settings)


def _scan(recipe: Recipe, seed: int) -> MadeScan:
    made = make_phantom(seed, spacing=recipe.spacing, field=recipe.field, settings=recipe.settings)
    return MadeScan(made.scan, made.labels, made.facts)
