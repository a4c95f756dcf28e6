"""Soft tissue, air and the table around a posed skeleton, as ids of ``tissues.csv``.

Regions come from the bones: the trunk's cross-sections, tubes and balls placed by vertebral levels. They are laid one
over the other, from the skin inwards, and bone lies over them all.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from sneakynet.phantom.abdomen import lay_abdomen
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.chest import lay_chest, rib_cavity, trunk_patch
from sneakynet.phantom.devices import lay_devices
from sneakynet.phantom.head import lay_head
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Build, Outline, lay_fingers, lay_glands
from sneakynet.phantom.patch import Patch
from sneakynet.phantom.spine_tissue import lay_spine_tissue
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.table import lay_cover, lay_table, table_height
from sneakynet.phantom.tissue_settings import TissueSettings

__all__ = ["TissueSettings", "lay_tissue"]

_OUTLINE_MM = 8.0
_SKIN_MM = 2.0


def lay_tissue(
    surfaces: Mapping[str, Surface],
    *,
    grid: Grid,
    settings: TissueSettings,
    rng: np.random.Generator,
    facts: Mapping[str, Any] | None = None,
) -> UInt8[np.ndarray, "i j k"]:
    """Everything but bone, as ids of ``tissues.csv``.

    Args:
        surfaces: posed and shaped bones, RAS mm; all of them, also those beyond the grid.
        grid: where to lay it.
        settings: ranges.
        rng: draws the person's tissue.
        facts: ``sex`` and ``bmi`` as in ``Person.facts``, which fat and muscle then go by; drawn when not given.

    Raises:
        SettingError: the bones of the trunk are not all there.
    """
    marks = Landmarks(surfaces)
    canvas = Canvas(grid, marks.frame)
    everywhere = (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    whole = Patch(grid, marks.frame, everywhere, max(1, round(_OUTLINE_MM / grid.spacing)))
    build = _build(settings, rng, facts or {})
    outline = Outline(whole, marks, build, rng)
    top = table_height(marks, build.fat)
    outline.flatten(top)
    _lay_flesh(canvas, outline, build, rng)
    lay_fingers(canvas, marks)
    if build.breast > 0:
        lay_glands(canvas, marks, build.breast, rng)
    region = trunk_patch(canvas, marks, outline.trunk)
    if not region.empty:
        cavity = rib_cavity(region, marks, outline.trunk, rng)
        lay_abdomen(canvas, cavity, marks, tube=outline.trunk, build=build, settings=settings, rng=rng)
        lay_chest(canvas, cavity, marks, settings, rng)
    lay_head(canvas, marks, settings, rng)
    lay_spine_tissue(canvas, marks, rng)
    lay_cover(canvas, whole, outline.skin, settings=settings, rng=rng)
    lay_devices(canvas, marks, whole, outline.skin, settings=settings, rng=rng)
    lay_table(canvas, marks, top=top, settings=settings, rng=rng)
    return canvas.ids


def _lay_flesh(canvas: Canvas, outline: Outline, build: Build, rng: np.random.Generator) -> None:
    """Skin, the fat under it, and muscle in which sheets of fat run."""
    part, (skin, fat) = outline.region.cut(outline.skin < 4 * _OUTLINE_MM, outline.skin, outline.fat)
    if part.empty:
        return
    distance = part.fine(skin)
    inside = distance < 0
    muscle = part.fine(skin + fat) < 0
    canvas.lay("skin", inside, part.box)
    canvas.lay("fat", distance < -_SKIN_MM, part.box)
    # Smooth noise changes its sign on sheets.
    thick = np.clip(part.noise(rng, 60.0) + 0.6, 0, 2.2) * np.float32(0.06 + 0.004 * build.fat)
    septa = np.abs(part.fine(part.noise(rng, 38.0))) < part.fine(thick)
    # Muscles, drawn out along the body, with fat between them, and finer strands within.
    for across, along, width in ((36.0, 130.0, 0.075), (26.0, 90.0, 0.05)):
        share = np.float32(width * (0.6 + 0.025 * build.fat) * rng.uniform(0.6, 1.5))
        septa |= np.abs(part.fine(part.fibres(rng, across, along))) < share
    strands = part.fibres(rng, 5.0, 16.0, fine=True) > np.float32(rng.uniform(1.7, 2.4) - 0.012 * build.fat)
    canvas.lay("muscle", muscle & ~septa, part.box)
    canvas.lay("fat", muscle & strands, part.box)


def _build(settings: TissueSettings, rng: np.random.Generator, facts: Mapping[str, Any]) -> Build:
    """Figures of a person: by sex and body mass index where they are known, else from the ranges alone."""
    low, high = settings.fat_mm
    fat = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    muscle, neck, visceral = rng.uniform(*settings.muscle_mm), rng.uniform(*settings.neck_mm), rng.uniform(0.1, 1)
    spread, with_breasts, size = rng.normal(0, 1), rng.random() < settings.breast_rate, rng.uniform(24, 38)
    female = facts.get("sex") == "female" if "sex" in facts else None
    if "bmi" in facts:
        bmi = float(facts["bmi"])
        # Skin folds grow with more than the square of the index, and are thicker in women (Durnin and Womersley 1974).
        share = {True: 1.25, False: 0.9, None: 1.05}[female]
        fat = float(np.clip(15.0 * share * (bmi / 25) ** 2.3 * np.exp(0.22 * spread), low, high))
        middle, reach = settings.neck_mm[0], settings.neck_mm[1] - settings.neck_mm[0]
        stout = np.clip((bmi - 17) / 25, 0, 1)
        neck = middle + reach * float(np.clip(0.5 * stout + (0.0 if female else 0.35) + 0.1 * spread, 0, 1))
        muscle = settings.muscle_mm[0] + (muscle - settings.muscle_mm[0]) * float(0.45 + 0.55 * stout)
        visceral = float(np.clip(visceral * (0.55 + 0.6 * stout) + (0.0 if female else 0.15), 0, 1))
    if female is not None:
        with_breasts = female
    return Build(
        fat=fat,
        muscle=muscle,
        belly=rng.uniform(*settings.belly_mm) + 0.7 * fat + 14 * (visceral - 0.5),
        neck=neck,
        breast=size + 0.4 * fat if with_breasts else 0.0,
        scalp=rng.uniform(5, 9),
        visceral=visceral,
    )
