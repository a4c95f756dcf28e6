"""Soft tissue, air and the table around a posed skeleton, as an image of Hounsfield units.

Regions come from the bones: hulls and rods around them, curves along the spine. HU ranges are those of everyday CT
(air -1000, lung -900 to -600, fat -120 to -80, water 0, muscle and organs 20 to 70, enhanced blood up to 350).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, UInt8

from sneakynet.phantom.abdomen import lay_abdomen
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.chest import lay_chest, rib_cavity, trunk_patch
from sneakynet.phantom.fields import (
    REACH,
    Box,
    Distance,
    capsule_distance,
    ellipsoid_distance,
    hull_distance,
    inside,
    smooth_noise,
)
from sneakynet.phantom.head import lay_head
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Build, Outline
from sneakynet.phantom.patch import Patch
from sneakynet.phantom.spine_tissue import lay_spine_tissue
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.table import lay_cover, lay_table, lay_wires, table_height
from sneakynet.phantom.tissue_settings import TissueSettings

_SPINE = tuple(f"vertebrae_{level}{n}" for level, count in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, count + 1))
_AIR = -1000.0


@dataclass(frozen=True)
class Tissue:
    """Hounsfield units and thicknesses of one person in one scan (mm where not HU)."""

    fat: float
    muscle: float
    blood: float
    liver: float
    spleen: float
    kidney: float
    brain: float
    lung: float
    disc: float
    cartilage: float
    fat_mm: float
    growth_mm: float
    belly_mm: float
    visceral_fat: float
    gas: float
    texture: float


def draw_tissue(rng: np.random.Generator) -> Tissue:
    """One person: half of them with contrast agent in the vessels."""
    enhanced = bool(rng.random() < 0.5)
    blood = rng.uniform(110, 340) if enhanced else rng.uniform(30, 55)
    return Tissue(
        fat=rng.uniform(-120, -80),
        muscle=rng.uniform(25, 70),
        blood=float(blood),
        liver=rng.uniform(75, 130) if enhanced else rng.uniform(25, 70),
        spleen=rng.uniform(80, 140) if enhanced else rng.uniform(35, 60),
        kidney=rng.uniform(110, 230) if enhanced else rng.uniform(20, 45),
        brain=rng.uniform(20, 45),
        lung=rng.uniform(-890, -650),
        disc=rng.uniform(50, 120),
        cartilage=rng.uniform(60, 160),
        fat_mm=rng.uniform(5, 35),
        growth_mm=rng.uniform(12, 24),
        belly_mm=rng.uniform(60, 170),
        visceral_fat=rng.uniform(-0.9, 0.7),
        gas=rng.uniform(1.2, 2.4),
        texture=rng.uniform(4, 18),
    )


class _Canvas:
    """The image under the brush: each stroke mixes a value in by the share of the voxel it fills."""

    def __init__(self, grid: Grid) -> None:
        self.hu = np.full(grid.shape, _AIR, np.float32)

    def paint(self, share: np.ndarray, value: float | np.ndarray, box: Box | None = None) -> None:
        hu = self.hu if box is None else self.hu[box]
        hu += share.astype(np.float32) * (np.asarray(value, np.float32) - hu)

    def fill(self, shape: Distance, value: float | np.ndarray, grid: Grid) -> None:
        self.paint(shape.inside(grid), value, shape.box)


def paint_soft_tissue(
    surfaces: Mapping[str, Surface], *, grid: Grid, tissue: Tissue, rng: np.random.Generator
) -> Float[np.ndarray, "i j k"]:
    """Everything but bone.

    Args:
        surfaces: posed and shaped bones, RAS mm; all of them, also those beyond the grid.
        grid: where to paint.
        tissue: the person.
        rng: randomness of textures, borders and organ positions.

    Returns:
        HU per voxel.
    """
    body = _Body(surfaces)
    canvas = _Canvas(grid)
    _table(canvas, body, grid, rng)
    trunk, rim = _outline(canvas, body, grid, tissue, rng)
    diaphragm = _diaphragm(body, grid, rng)
    _abdomen(canvas, body, grid, tissue, rng, trunk=trunk, diaphragm=diaphragm, rim=rim)
    _chest(canvas, body, grid, tissue, rng, diaphragm=diaphragm)
    _vessels_and_discs(canvas, body, grid, tissue, rng)
    # Partial volume and structure that no region models.
    canvas.hu += np.where(canvas.hu > -300, smooth_noise(rng, grid, scale=9.0) * tissue.texture, 0)
    return canvas.hu


class _Body:
    """Landmarks of the skeleton."""

    def __init__(self, surfaces: Mapping[str, Surface]) -> None:
        self.vertices = {name: surface.vertices for name, surface in surfaces.items()}
        centres = np.array([self.vertices[name].mean(0) for name in (*_SPINE, "sacrum")])
        # Centroids of vertebrae lie in the canal; bodies lie about 15 mm before them.
        self.spine = centres[np.argsort(centres[:, 2])] + np.array([0, 12.0, 0])

    def points(self, *prefixes: str) -> Float[np.ndarray, "point 3"]:
        return np.concatenate([v for name, v in self.vertices.items() if name.startswith(prefixes)])

    def level(self, name: str) -> float:
        return float(self.vertices[name][:, 2].mean())

    def spine_at(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the column's centre at heights z."""
        return np.interp(z, self.spine[:, 2], self.spine[:, 0]), np.interp(z, self.spine[:, 2], self.spine[:, 1])

    def ends(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of a long bone along its main axis, the upper one (towards the trunk) first where it matters."""
        vertices = self.vertices[name]
        centre = vertices.mean(0)
        axis = np.linalg.svd(vertices - centre, full_matrices=False)[2][0]
        along = (vertices - centre) @ axis
        return centre + axis * along.min(), centre + axis * along.max()


def _table(canvas: _Canvas, body: _Body, grid: Grid, rng: np.random.Generator) -> None:
    if rng.random() < 0.15:
        return
    x, y, _ = grid.axes()
    back = body.points("vertebrae", "rib", "hip", "sacrum")[:, 1].min() - rng.uniform(25, 60)
    middle = float(body.spine[:, 0].mean())
    sag = rng.uniform(0, 0.0012)  # tables are flat or curved
    surface = back + sag * (x - middle) ** 2
    below = surface - y
    width = np.abs(x - middle) < rng.uniform(190, 270)
    thickness = rng.uniform(20, 60)
    canvas.paint((width & (below > 0) & (below < thickness)) * np.ones_like(canvas.hu), rng.uniform(-980, -850))
    shell = rng.uniform(2, 6)
    rim = width & ((np.abs(below) < shell / 2) | (np.abs(below - thickness) < shell / 2))
    canvas.paint(rim * np.ones_like(canvas.hu), rng.uniform(-700, 250))


def _outline(
    canvas: _Canvas, body: _Body, grid: Grid, tissue: Tissue, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fat to the skin and muscle under it; returns the distance to the trunk's skin and the fat's thickness."""
    waist = np.concatenate([body.vertices[f"vertebrae_L{n}"] for n in range(1, 6)])
    belly = waist.mean(0) + np.stack([[dx, tissue.belly_mm, dz] for dx in (-70, 0, 70) for dz in (-60, 0, 60)])
    ribs = body.points("rib", "vertebrae_T", "sternum", "costal")
    lower = np.concatenate(
        [body.points("vertebrae_L", "hip", "sacrum"), belly, ribs[ribs[:, 2] < body.level("vertebrae_T9")]]
    )
    thighs = np.concatenate(
        [body.points("hip"), *(_upper_part(body.vertices[f"femur_{s}"], 0.35) for s in ("left", "right"))]
    )
    bump = smooth_noise(rng, grid, scale=120.0) * 4
    growth = tissue.growth_mm + tissue.fat_mm * 0.6 + bump
    trunk = np.full(grid.shape, REACH, np.float32)
    _join(trunk, hull_distance(np.concatenate([ribs, body.points("clavicula")]), grid))
    _join(trunk, hull_distance(lower, grid))
    _join(trunk, hull_distance(thighs, grid), grown=12.0)
    trunk -= growth
    skin = trunk.copy()
    _join(skin, hull_distance(body.points("skull"), grid), grown=rng.uniform(5, 10))
    _join(skin, hull_distance(body.points("skull", "mandible"), grid), grown=rng.uniform(3, 9))
    neck = body.points("vertebrae_C", "vertebrae_T1")
    throat = np.concatenate([neck, neck + np.array([0, rng.uniform(45, 65), 0])])
    _join(skin, hull_distance(throat, grid), grown=rng.uniform(14, 26))
    heavy = tissue.fat_mm * 0.4
    for side in ("left", "right"):
        _limbs(skin, body, grid, side, heavy)

    fat = tissue.fat_mm * np.exp(0.35 * smooth_noise(rng, grid, scale=150.0)).astype(np.float32)
    canvas.paint(inside(skin, grid), tissue.fat + smooth_noise(rng, grid, scale=25.0) * 8)
    # Muscle with streaks of fat between its bundles.
    streaks = np.clip(smooth_noise(rng, grid, scale=22.0) - 1.3, 0, 1)
    muscle = tissue.muscle + smooth_noise(rng, grid, scale=35.0) * 8 + streaks * (tissue.fat - tissue.muscle)
    limb = np.minimum(fat, 5 + 0.35 * fat)
    depth = np.where(trunk < skin + 1, fat, limb)
    canvas.paint(inside(skin + depth, grid), muscle)
    head = hull_distance(body.points("skull"), grid)
    canvas.paint(inside(head.values + 4, grid) * 0.8, tissue.brain, head.box)
    return trunk, fat


def _join(skin: np.ndarray, shape: Distance, *, grown: float = 0.0) -> None:
    np.minimum(skin[shape.box], shape.values - np.float32(grown), out=skin[shape.box])


def _limbs(skin: np.ndarray, body: _Body, grid: Grid, side: str, heavy: float) -> None:
    for bone, radii in (
        ("humerus", (46.0, 36.0)),
        ("femur", (82.0, 60.0)),
        ("radius", (24.0, 30.0)),
        ("ulna", (24.0, 30.0)),
    ):
        start, end = body.ends(f"{bone}_{side}")
        if bone in ("humerus", "femur") and _distance(end, body.spine) < _distance(start, body.spine):
            start, end = end, start
        _join(skin, capsule_distance(start, end, (radii[0] + heavy, radii[1] + heavy), grid))
    shoulder = np.concatenate([body.vertices[f"scapula_{side}"], body.vertices[f"clavicula_{side}"]])
    humerus = body.vertices[f"humerus_{side}"]
    near = humerus[np.linalg.norm(humerus - shoulder.mean(0), axis=1) < 130]
    _join(skin, hull_distance(np.concatenate([shoulder, near]), grid), grown=14 + heavy)
    palm = body.points(*(f"{b}_{side}" for b in ("metacarpal", "scaphoid", "hamate", "pisiform", "trapezium")))
    _join(skin, hull_distance(palm, grid), grown=9.0)
    for ray in range(1, 6):
        finger = [
            f"phalanx_{part}_{side}_{ray}" for part in ("proximal", "middle", "distal") if (part, ray) != ("middle", 1)
        ]
        _join(skin, hull_distance(body.points(*finger), grid), grown=5.0)
    start, end = body.ends(f"{side[0]}_tibia")
    _join(skin, capsule_distance(start, end, (48.0, 48.0), grid))


def _upper_part(vertices: np.ndarray, share: float) -> np.ndarray:
    cut = vertices[:, 2].max() - share * np.ptp(vertices[:, 2])
    upper: np.ndarray = vertices[vertices[:, 2] > cut]
    return upper


def _distance(point: np.ndarray, curve: np.ndarray) -> float:
    return float(np.linalg.norm(curve - point, axis=1).min())


def _diaphragm(body: _Body, grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Height of a voxel above the diaphragm's two domes, mm."""
    x, y, z = grid.axes()
    ribs = body.points("rib")
    half = np.ptp(ribs[:, 0]) / 4
    middle = float(body.spine[:, 0].mean())
    depth = float(ribs[:, 1].mean())
    base = body.level("vertebrae_T12") + rng.uniform(-25, 20)
    dome = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    # The right dome (over the liver) is the higher one.
    for centre, height in ((middle + half, rng.uniform(70, 115)), (middle - half, rng.uniform(55, 95))):
        reach = ((x - centre) / (half * 1.25)) ** 2 + ((y - depth) / (np.ptp(ribs[:, 1]) * 0.62)) ** 2
        np.maximum(dome, height * np.clip(1 - reach, 0, 1), out=dome)
    height_above: np.ndarray = (z - base - dome + smooth_noise(rng, grid, scale=80.0) * 4).astype(np.float32)
    return height_above


def _chest(
    canvas: _Canvas, body: _Body, grid: Grid, tissue: Tissue, rng: np.random.Generator, *, diaphragm: np.ndarray
) -> None:
    x, y, z = grid.axes()
    sx, sy = body.spine_at(z)
    ribs = np.concatenate([body.points("rib", "sternum"), body.points("vertebrae_T")])
    cavity = hull_distance(ribs, grid).everywhere(grid) + rng.uniform(9, 14)
    beside_spine = np.maximum(sy + 4 - y, np.abs(x - sx) - 48)  # paraspinal muscle lies inside the hull
    cavity = np.maximum(cavity, -beside_spine)
    column = 24 - np.sqrt((x - sx) ** 2 + (y - sy) ** 2)
    cavity = np.maximum(cavity, column)
    cavity = np.maximum(cavity, z - body.level("vertebrae_T1")).astype(np.float32)
    lungs = np.maximum(cavity, -diaphragm)
    heart_at = np.array([0.0, 0.0, body.level("vertebrae_T8") + rng.uniform(-10, 10)])
    hx, hy = body.spine_at(heart_at[2:])
    front = body.points("sternum")[:, 1].mean()
    heart_at[:2] = hx[0] - rng.uniform(15, 35), (hy[0] + front) / 2 + rng.uniform(5, 20)
    heart = ellipsoid_distance(heart_at, (rng.uniform(48, 65), rng.uniform(38, 52), rng.uniform(45, 60)), grid)
    # Wide around the great vessels, narrow where the lungs meet behind the sternum.
    forward = np.clip((y - sy) / max(float(front - np.mean(sy)), 1.0), 0, 1)
    middle_width = rng.uniform(28, 44) * (1 - 0.75 * forward)
    mediastinum = np.maximum(np.abs(x - sx) - middle_width, sy - y) + smooth_noise(rng, grid, scale=45.0) * 6
    airless = np.minimum(mediastinum.astype(np.float32), heart.everywhere(grid))
    canvas.paint(inside(np.maximum(lungs, airless), grid), tissue.fat * 0.5 + smooth_noise(rng, grid, scale=20.0) * 40)
    lung = np.maximum(lungs, -airless)
    vessels = np.clip(smooth_noise(rng, grid, scale=14.0) - 1.4, 0, 1) * 700
    gradient = (np.mean(sy) - y) * 0.4  # blood pools towards the back
    canvas.paint(
        inside(lung, grid), np.minimum(tissue.lung + gradient + vessels + smooth_noise(rng, grid, scale=30.0) * 25, 60)
    )
    canvas.fill(heart, tissue.blood * rng.uniform(0.5, 1.0) + 15, grid)
    # Trachea, from the larynx to the bifurcation.
    top, bottom = body.level("vertebrae_C4"), body.level("vertebrae_T5")
    heights = np.array([top, bottom])
    tx, ty = body.spine_at(heights)
    ends = [np.array([tx[n], ty[n] + (34, 26)[n], heights[n]]) for n in (0, 1)]
    canvas.fill(capsule_distance(ends[0], ends[1], (8.0, 8.5), grid), -980.0, grid)


def _abdomen(
    canvas: _Canvas,
    body: _Body,
    grid: Grid,
    tissue: Tissue,
    rng: np.random.Generator,
    *,
    trunk: np.ndarray,
    diaphragm: np.ndarray,
    rim: np.ndarray,
) -> None:
    x, y, z = grid.axes()
    sx, sy = body.spine_at(z)
    wall = rng.uniform(12, 22)
    pelvis_floor = body.points("hip")[:, 2].min() + 25
    cavity = trunk + rim + wall
    cavity = np.maximum(cavity, diaphragm)
    cavity = np.maximum(cavity, pelvis_floor - z)
    cavity = np.maximum(cavity, sy - 6 - y).astype(np.float32)  # the back is muscle
    hips = np.abs(x - sx) - np.interp(
        z, [pelvis_floor, body.level("sacrum"), body.level("vertebrae_L4")], [45.0, 85.0, 400.0]
    )
    cavity = np.maximum(cavity, hips).astype(np.float32)
    space = inside(cavity, grid)
    fat = tissue.fat + smooth_noise(rng, grid, scale=15.0) * 10
    loops = smooth_noise(rng, grid, scale=34.0) + 0.5 * smooth_noise(rng, grid, scale=16.0)
    bowel = np.clip((loops - tissue.visceral_fat) * 6 + 0.5, 0, 1)
    content = 30 + smooth_noise(rng, grid, scale=28.0) * 15
    canvas.paint(space, fat)
    canvas.paint(space * bowel, content)
    if rng.random() < 0.35:  # contrast agent drunk before the scan
        filled = np.clip((smooth_noise(rng, grid, scale=40.0) - 1.1) * 6, 0, 1)
        canvas.paint(space * bowel * filled, rng.uniform(120, 350))
    gas = np.clip((smooth_noise(rng, grid, scale=42.0) + (y - np.mean(sy)) / 160 - tissue.gas) * 6, 0, 1)
    crumbs = np.clip(0.6 + smooth_noise(rng, grid, scale=9.0) * 0.4, 0, 1)
    canvas.paint(space * gas * crumbs, -900.0)

    uneven = smooth_noise(rng, grid, scale=40.0) * 5
    grain = smooth_noise(rng, grid, scale=25.0) * 6

    def organ(level: str, offset: tuple[float, float, float], radii: tuple[float, float, float], value: float) -> None:
        height = body.level(level)
        ox, oy = body.spine_at(np.array([height]))
        centre = np.array([ox[0], oy[0], height]) + np.array(offset) + rng.normal(0, 6, 3)
        size = tuple(r * rng.uniform(0.85, 1.2) for r in radii)
        shape = ellipsoid_distance(centre, (size[0], size[1], size[2]), grid)
        share = inside(shape.values + uneven[shape.box], grid)
        canvas.paint(space[shape.box] * share, value + grain[shape.box], shape.box)

    organ("vertebrae_T11", (75.0, 55.0, 0.0), (80.0, 75.0, 72.0), tissue.liver)
    organ("vertebrae_T12", (10.0, 85.0, 5.0), (60.0, 35.0, 40.0), tissue.liver)
    organ("vertebrae_T11", (-90.0, 10.0, 0.0), (38.0, 45.0, 55.0), tissue.spleen)
    organ("vertebrae_T12", (-45.0, 70.0, 0.0), (50.0, 40.0, 45.0), float(rng.choice([-900.0, 25.0, 60.0])))
    organ("vertebrae_L2", (62.0, 2.0, 0.0), (26.0, 26.0, 52.0), tissue.kidney)
    organ("vertebrae_L1", (-62.0, 2.0, 0.0), (26.0, 26.0, 52.0), tissue.kidney)
    organ("sacrum", (0.0, 90.0, -45.0), (40.0, 34.0, 34.0), float(rng.choice([5.0, 12.0, 300.0], p=[0.5, 0.42, 0.08])))


def _vessels_and_discs(canvas: _Canvas, body: _Body, grid: Grid, tissue: Tissue, rng: np.random.Generator) -> None:
    levels = [body.level(f"vertebrae_{n}") for n in ("L4", "L2", "T12", "T9", "T6", "T4")]
    vx, vy = body.spine_at(np.array(levels))
    for offset, radii in (((-8.0, 26.0), (8.0, 13.0)), ((18.0, 26.0), (10.0, 11.0))):
        tops = 6 if offset[0] < 0 else 4
        path = np.stack([vx[:tops] + offset[0], vy[:tops] + offset[1], np.array(levels)[:tops]], axis=1)
        radius = rng.uniform(*radii)
        for start, end in pairwise(path):
            vessel = capsule_distance(start, end, (radius, radius), grid)
            canvas.fill(vessel, tissue.blood, grid)
    for side in (-1.0, 1.0):  # psoas beside the lumbar spine
        heights = np.array([body.level("vertebrae_L1"), body.level("vertebrae_L5")])
        px, py = body.spine_at(heights)
        path = np.stack([px + side * np.array([28.0, 48.0]), py + 2, heights], axis=1)
        psoas = capsule_distance(path[0], path[1], (10.0, rng.uniform(18, 26)), grid)
        canvas.fill(psoas, tissue.muscle, grid)
    behind = np.array([0.0, 27.0, 0.0])  # the canal lies behind the bodies
    for lower, upper in pairwise(body.spine):
        cervical = upper[2] > body.level("vertebrae_T1")
        radius = 9.0 if cervical else float(np.interp(upper[2], body.spine[[1, -1], 2], [21.0, 11.0]))
        disc = capsule_distance(lower, upper, (radius, radius), grid)
        canvas.fill(disc, tissue.disc, grid)
        canal = capsule_distance(lower - behind, upper - behind, (8.0, 8.0), grid)
        canvas.fill(canal, 20.0, grid)


# ---- what replaces the above: ids of tissues instead of HU ----


def lay_tissue(
    surfaces: Mapping[str, Surface], *, grid: Grid, settings: TissueSettings, rng: np.random.Generator
) -> UInt8[np.ndarray, "i j k"]:
    """Everything but bone, as ids of ``tissues.csv``.

    Args:
        surfaces: posed and shaped bones, RAS mm; all of them, also those beyond the grid.
        grid: where to lay it.
        settings: ranges.
        rng: draws the person's tissue.

    Raises:
        SettingError: the bones of the trunk are not all there.
    """
    marks = Landmarks(surfaces)
    canvas = Canvas(grid, marks.frame)
    whole = Patch(
        grid,
        marks.frame,
        (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2])),
        max(1, round(6.0 / grid.spacing)),
    )
    build = _build(settings, rng)
    outline = Outline(whole, marks, build, rng)
    top = table_height(marks, build.fat)
    outline.flatten(top)
    skin = whole.fine(outline.skin)
    canvas.lay("fat", skin < 0, whole.box)
    canvas.lay("skin", np.abs(skin + 1) < 1, whole.box)
    muscle = whole.below(outline.skin + outline.fat)
    canvas.lay("muscle", muscle, whole.box)
    # Sheets of fat between muscles: where smooth noise changes its sign.
    septa = np.abs(whole.fine(whole.noise(rng, 38.0))) < 0.05 + 0.004 * build.fat
    canvas.lay("fat", septa & muscle, whole.box)
    region = trunk_patch(canvas, marks, outline.trunk)
    if not region.empty:
        cavity = rib_cavity(region, marks, outline.trunk, rng)
        lay_abdomen(canvas, cavity, marks, outline.trunk, build, settings, rng)
        lay_chest(canvas, cavity, marks, settings, rng)
    lay_head(canvas, marks, settings, rng)
    lay_spine_tissue(canvas, marks, rng)
    lay_cover(canvas, whole, outline.skin, settings=settings, rng=rng)
    lay_wires(canvas, marks, whole, outline.skin, settings=settings, rng=rng)
    lay_table(canvas, marks, top=top, settings=settings, rng=rng)
    return canvas.ids


def _build(settings: TissueSettings, rng: np.random.Generator) -> Build:
    fat = float(np.exp(rng.uniform(*np.log(settings.fat_mm))))
    return Build(
        fat=fat,
        muscle=rng.uniform(*settings.muscle_mm),
        belly=rng.uniform(*settings.belly_mm) + 0.9 * fat,
        neck=rng.uniform(*settings.neck_mm),
        scalp=rng.uniform(5, 9),
    )
