"""What lies around the person: table, head rest, rails, blanket, wires and electrodes."""

import numpy as np

from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Tabletop
from sneakynet.phantom.patch import Patch
from sneakynet.phantom.tissue_settings import TissueSettings

_AIR = ("air",)


_STEEPEST = 0.1  # slope of the table along the body
_DEEPEST = 30.0  # mm an arm or a head may push the table away from the back; below that it hangs beside the table


def table_height(marks: Landmarks, fat: float) -> Tabletop:
    """Front of the table: just behind the rearmost bones of chest and pelvis, flesh between.

    Chest and pelvis both rest on it: the person and the table may be tilted together, by a few degrees.
    """
    flesh = {"chest": 7 + 0.5 * fat, "pelvis": 13 + 0.6 * fat}
    bones = {"chest": ("vertebrae_T", "rib", "scapula"), "pelvis": ("sacrum", "coccyx", "hip")}
    rests = {}
    for part, names in bones.items():
        points = marks.frame.outward(marks.points(*names))
        lowest = points[points[:, 1].argmin()]
        rests[part] = (float(lowest[1]) - flesh[part], float(lowest[2]))
    (chest_y, chest_z), (pelvis_y, pelvis_z) = rests["chest"], rests["pelvis"]
    slope = float(np.clip((chest_y - pelvis_y) / max(chest_z - pelvis_z, 100.0), -_STEEPEST, _STEEPEST))
    # Beyond that tilt, one of them lies higher.
    height = min(pelvis_y, chest_y - slope * (chest_z - pelvis_z))
    table = Tabletop(height, pelvis_z, slope)
    sunk = 0.0
    for name in ("vertebrae_L", "skull", "humerus", "radius", "ulna", "metacarpal", "phalanx"):
        points = marks.frame.outward(marks.points(name))
        if len(points):
            sunk = max(sunk, float((table.front(points[:, 2]) - points[:, 1]).max()) + 6)
    return Tabletop(height - min(sunk, _DEEPEST), pelvis_z, slope)


def lay_table(
    canvas: Canvas, marks: Landmarks, *, top: Tabletop, settings: TissueSettings, rng: np.random.Generator
) -> None:
    """A table as scanners have them: flat or curved, a shell around foam, on a carrier farther below.

    Args:
        canvas: painted only where there is air.
        marks: the skeleton.
        top: the table's front where it is nearest to the person.
        settings: rates.
        rng: draws the table.
    """
    if rng.random() > settings.table_rate:
        return
    grid = canvas.grid
    x, y, _ = (axis.astype(np.float32) for axis in grid.axes())
    middle = np.float32(marks.frame.centre[0] + rng.normal(0, 12))
    half = rng.uniform(195, 270)
    curve = 0.0 if rng.random() < 0.3 else rng.uniform(0.0004, 0.0016)
    across = x[:, :, 0] - middle
    # The person touches a curved table at its lowest line and beside it.
    surface = np.float32(top.height) + np.float32(curve) * across**2
    depth = surface - y[0, :, 0][None, :]  # below the surface, [i j]
    within = np.abs(across) < half
    thick, shell = rng.uniform(8, 55), rng.uniform(1.2, 4)
    section = np.zeros(depth.shape, np.uint8)
    section[within & (depth > 0) & (depth < thick)] = 1
    section[within & (np.abs(depth - shell / 2) < max(shell, grid.spacing) / 2)] = 2
    section[within & (np.abs(depth - thick + shell / 2) < max(shell, grid.spacing) / 2)] = 2
    section[(np.abs(np.abs(across) - half) < max(shell, grid.spacing) / 2) & (depth > 0) & (depth < thick)] = 2
    if rng.random() < 0.6:  # the carrier: a trapezoid of thin plates
        drop, foot, width = rng.uniform(20, 90), rng.uniform(60, 160), rng.uniform(120, 260)
        below = np.float32(top.height) - y[0, :, 0][None, :] - np.float32(drop)
        side = width * (1 - 0.55 * np.clip(below / foot, 0, 1))
        line = max(rng.uniform(1.2, 3.5), 0.7 * grid.spacing)
        section[(np.abs(np.abs(across) - side) < line) & (below > 0) & (below < foot) & (section == 0)] = 2
        section[(np.abs(below - foot) < line) & (np.abs(across) < side) & (section == 0)] = 2
        if rng.random() < 0.5:
            section[(np.abs(below) < line) & (np.abs(across) < side) & (section == 0)] = 2
    rails = np.zeros(depth.shape, bool)
    if rng.random() < settings.rail_rate:
        for _ in range(int(rng.integers(1, 5))):
            at, under, radius = rng.uniform(20, half), rng.uniform(2, 90), rng.uniform(1.0, 4.0)
            for sign in (-1, 1) if rng.random() < 0.8 else (1,):
                rails |= np.hypot(across - sign * at, depth - under) < max(radius, 0.6 * grid.spacing)
    _extrude(canvas, section, rails, marks, top=top, rng=rng)
    if rng.random() < settings.head_rest_rate:
        _head_rest(canvas, marks, grid, rng)


def _extrude(
    canvas: Canvas,
    section: np.ndarray,
    rails: np.ndarray,
    marks: Landmarks,
    *,
    top: Tabletop,
    rng: np.random.Generator,
) -> None:
    """The cross-section along the body, at the height that the table has there; some tables end at the shoulders."""
    i, j = np.nonzero((section > 0) | rails)
    if not len(i):
        return
    end = canvas.grid.shape[2]
    if rng.random() < 0.3:
        neck = float(marks.frame.outward(marks.at("T1", (0.0, 0.0, rng.uniform(-30, 120))))[2])
        end = int(np.clip((neck - canvas.grid.origin[2]) / canvas.grid.spacing, 0, end))
    across = slice(int(i.min()), int(i.max()) + 1)
    z = canvas.grid.origin[2] + canvas.grid.spacing * np.arange(end)
    rise = np.round((top.front(z) - top.height) / canvas.grid.spacing).astype(int)
    deep = canvas.grid.shape[1]
    for step in np.unique(rise):
        along = np.flatnonzero(rise == step)
        first, last = int(np.clip(j.min() + step, 0, deep)), int(np.clip(j.max() + 1 + step, 0, deep))
        box = (across, slice(first, last), slice(int(along[0]), int(along[-1]) + 1))
        part, lines = section[across, first - step : last - step], rails[across, first - step : last - step]
        free = canvas.among(_AIR, box)
        for tissue, where in (("table_core", part == 1), ("table_shell", part == 2), ("lead", lines)):
            canvas.lay(tissue, free & where[:, :, None], box)


def _head_rest(canvas: Canvas, marks: Landmarks, grid: Grid, rng: np.random.Generator) -> None:
    """A bowl or a cushion behind the head."""
    skull = marks.points("skull")
    centre = (skull.min(0) + skull.max(0)) / 2
    reach = np.ptp(skull, axis=0) / 2 + rng.uniform(10, 22)
    region, distance = canvas.ball_distance(centre, (float(reach[0]) + 25, float(reach[1]) + 25, float(reach[2]) * 1.4))
    if region.empty:
        return
    behind = region.voxels[1] < np.float32(centre[1] - rng.uniform(-10, 45))
    thick = rng.uniform(6, 40)
    canvas.lay("table_core", (distance < 0) & (distance > -thick) & behind, region.box, over=_AIR)
    if rng.random() < 0.6:
        line = max(2.0, grid.spacing)
        canvas.lay("table_shell", (np.abs(distance) < line / 2) & behind, region.box, over=(*_AIR, "table_core"))


def lay_cover(
    canvas: Canvas, region: Patch, skin: np.ndarray, *, settings: TissueSettings, rng: np.random.Generator
) -> None:
    """A blanket or clothes: a thin, creased sheet over the front.

    Args:
        canvas: painted only where there is air.
        region: the whole grid.
        skin: distance to the skin on its lattice, mm.
        settings: rates.
        rng: draws the sheet.
    """
    if rng.random() > settings.blanket_rate:
        return
    gap = np.float32(rng.uniform(0, 14)) + region.noise(rng, 45.0) * np.float32(rng.uniform(1, 7))
    away = region.fine((np.abs(skin - np.maximum(gap, 0) - 3)).astype(np.float32))
    front = region.fine((region.nodes[1] - np.float32(rng.uniform(-40, 60))).astype(np.float32)) > 0
    canvas.lay("blanket", (away < max(rng.uniform(1.5, 5), 0.6 * canvas.grid.spacing)) & front, region.box, over=_AIR)
