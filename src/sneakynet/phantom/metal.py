"""Metal in the body: hip stems and nails, pedicle screws, tooth fillings."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, UInt8

from sneakynet.phantom.body import WHOLE
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.fields import capsule_distance
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.tissue_settings import TissueSettings

_FEMUR_SHARE = 0.08
_SCREW_SHARE = 0.04
_FILLING_SHARE = 0.4


def draw_metal(
    rng: np.random.Generator, surfaces: Mapping[str, Surface], grid: Grid
) -> Float[np.ndarray, "i j k"] | None:
    """Share of each voxel that is metal, or None where there is none in the field.

    The bone around it keeps its label: the implant is read as part of the bone.
    """
    rods = [*_femoral(rng, surfaces), *_screws(rng, surfaces), *_fillings(rng, surfaces)]
    metal = np.zeros(grid.shape, np.float32)
    for start, end, radius in rods:
        rod = capsule_distance(start, end, (radius, radius), grid)
        np.maximum(metal[rod.box], rod.inside(grid), out=metal[rod.box])
    return metal if metal.any() else None


def _femoral(rng: np.random.Generator, surfaces: Mapping[str, Surface]) -> list[tuple[np.ndarray, np.ndarray, float]]:
    rods = []
    for side in ("left", "right"):
        if rng.random() > _FEMUR_SHARE:
            continue
        femur = surfaces[f"femur_{side}"].vertices
        socket = surfaces[f"hip_{side}"].vertices.mean(0)
        upper = femur[femur[:, 2] > femur[:, 2].max() - 40]
        head = upper[np.argsort(np.linalg.norm(upper - socket, axis=1))[: len(upper) // 3 + 1]].mean(0)
        shaft = femur[np.abs(femur[:, 2] - (femur[:, 2].max() - 150)) < 30].mean(0)
        neck = femur[np.abs(femur[:, 2] - (femur[:, 2].max() - 70)) < 15].mean(0)
        rods += [(head, neck, float(rng.uniform(4, 9))), (neck, shaft, float(rng.uniform(5, 9)))]
    return rods


def _screws(rng: np.random.Generator, surfaces: Mapping[str, Surface]) -> list[tuple[np.ndarray, np.ndarray, float]]:
    if rng.random() > _SCREW_SHARE:
        return []
    levels = ("vertebrae_T11", "vertebrae_T12", "vertebrae_L1", "vertebrae_L2", "vertebrae_L3", "vertebrae_L4")
    first = int(rng.integers(len(levels) - 1))
    rods = []
    for level in levels[first : first + 2]:
        centre = surfaces[level].vertices.mean(0)
        for side in (-1.0, 1.0):
            entry, tip = centre + np.array([side * 17, -18, 0]), centre + np.array([side * 10, 25, 0])
            rods.append((entry, tip, 2.5))
    return rods


def _fillings(rng: np.random.Generator, surfaces: Mapping[str, Surface]) -> list[tuple[np.ndarray, np.ndarray, float]]:
    if rng.random() > _FILLING_SHARE:
        return []
    jaw = surfaces["mandible"].vertices
    teeth = jaw[jaw[:, 2] > np.quantile(jaw[:, 2], 0.55)]
    teeth = teeth[teeth[:, 1] > np.quantile(jaw[:, 1], 0.5)]
    spots = teeth[rng.integers(len(teeth), size=int(rng.integers(1, 6)))]
    return [(spot, spot + np.array([0, 0, 4.0]), float(rng.uniform(1.5, 3))) for spot in spots]


def lay_metal(
    surfaces: Mapping[str, Surface], *, grid: Grid, settings: TissueSettings, rng: np.random.Generator
) -> UInt8[np.ndarray, "i j k"]:
    """Share of each voxel that is metal, in 255ths.

    Args:
        surfaces: posed and shaped bones, RAS mm.
        grid: where to lay it.
        settings: how often there is which metal.
        rng: draws it.
    """
    metal = draw_metal(rng, surfaces, grid)
    if metal is None:
        return np.zeros(grid.shape, np.uint8)
    return np.round(metal * WHOLE).astype(np.uint8)
