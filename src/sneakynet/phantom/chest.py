"""Lungs, airways, heart, great vessels and what lies between them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.outline import Section, section
from sneakynet.phantom.patch import Patch, patch
from sneakynet.phantom.tissue_settings import TissueSettings

_SIDES = (1.0, -1.0)  # right, left


@dataclass(frozen=True, eq=False)
class Cavity:
    """The inside of the rib cage and its floor, on the lattice of a patch.

    Args:
        region: from the pelvis' floor to above the lungs.
        wall: distance to the ribs' inner side, negative inside, mm.
        above: height over the diaphragm, mm.
        dome: height of the left dome's top, body mm.
    """

    region: Patch
    wall: Float[np.ndarray, "x y z"]
    above: Float[np.ndarray, "x y z"]
    dome: float


def trunk_patch(canvas: Canvas, marks: Landmarks, tube: Section) -> Patch:
    """The patch of chest and abdomen."""
    widest = float(tube.radii.max()) + 5
    low = [float(tube.axis[:, 0].min()) - widest, float(tube.axis[:, 1].min()) - widest, tube.z0]
    high = [float(tube.axis[:, 0].max()) + widest, float(tube.axis[:, 1].max()) + widest, marks.level("T1") + 40]
    return patch(canvas.grid, canvas.frame, low, high)


def rib_cavity(region: Patch, marks: Landmarks, tube: Section, rng: np.random.Generator) -> Cavity:
    """What the ribs enclose, and the two domes of the diaphragm in it."""
    x, y, z = region.nodes
    cage = section(marks.points("rib", "sternum", "manubrium", "costal"), axis=tube.axis, z0=tube.z0)
    radius, where = tube.locate(x, y, z)
    inner = tube.at(cage.radii, where) - np.float32(rng.uniform(6, 9))
    # The apex lies within the first ribs, its top at the neck of the first (Gray's Anatomy).
    top = np.float32(marks.level("T1") + rng.uniform(0, 12))
    inner *= np.sqrt(np.clip((top - z) / 55, 0, 1))
    above, dome = _over_diaphragm(region, marks, tube, rng, wall=radius - inner)
    return Cavity(region, radius - inner, above, dome)


def _over_diaphragm(
    region: Patch, marks: Landmarks, tube: Section, rng: np.random.Generator, *, wall: np.ndarray
) -> tuple[np.ndarray, float]:
    """Height over two blunt domes that rise to about T8 to T10 (the right one the higher).

    In the supine the lung goes down between diaphragm and ribs: in front to the end of the sternum, behind to about
    the twelfth thoracic vertebra, from the eleventh (breathed out) to the first lumbar (full). The gap widens at once
    from its lower edge: 85 cm^2 of lung 27 mm above it in the real abdomen at hand.
    """
    x, y, z = region.nodes
    breath = rng.uniform(-42, 28)  # scans are made in inspiration, mostly
    behind = marks.level("T12") + breath
    before = max(float(marks.points("sternum")[:, 2].min()) - 10 + breath / 2, behind + 20)
    chest, ribs = marks.points("sternum"), marks.points("rib")
    ribs = ribs[np.abs(ribs[:, 2] - marks.level("T10")) < 50]
    back, front = float(ribs[:, 1].min()), float(max(chest[:, 1].max(), ribs[:, 1].max()))
    across, blunt = rng.uniform(38, 75), rng.uniform(1.2, 1.8)
    right = max(marks.level("T9") + rng.uniform(-18, 18) + 0.5 * breath, behind + 50)
    left = right - rng.uniform(5, 22)

    sx, sy = (v.astype(np.float32) for v in marks.spine(z))
    half = np.interp(z, marks.bodies[:, 2], marks.bodies[:, 3]).astype(np.float32)
    beside = np.abs(x - sx) - half - 5 + 2 * np.maximum(y - sy, 0)  # the lung goes down beside the spine too
    hindmost = np.clip(1.35 - 3 * (y - back) / (front - back), 0, 1)
    inwards = np.minimum(-wall, beside) / (np.float32(across) * (1 + 2.5 * hindmost)).astype(np.float32)
    lowest = np.interp(y, [back, front], [behind, before]).astype(np.float32)
    middle = float(np.median(tube.axis[:, 0]))
    top = (left + (right - left) / (1 + np.exp(np.clip((middle - x) / 15, -30, 30)))).astype(np.float32)
    rise = 1 - (1 - np.clip(inwards, 0, 1)) ** np.float32(blunt)
    dome = lowest + np.maximum(top - lowest, 0) * rise
    height: np.ndarray = z - dome + region.noise(rng, 60.0) * np.float32(3)
    return height, left


def lay_chest(
    canvas: Canvas, cavity: Cavity, marks: Landmarks, settings: TissueSettings, rng: np.random.Generator
) -> None:
    """Everything above the diaphragm and inside the ribs."""
    region = cavity.region
    if region.empty:
        return
    x, y, z = region.nodes
    sx, sy = (v.astype(np.float32) for v in marks.spine(z))
    dx, dy = x - sx, y - sy
    bodies = marks.bodies
    half = np.interp(z, bodies[:, 2], bodies[:, 3]).astype(np.float32)
    column = np.hypot(dx, np.maximum(dy, 0)) - half - 5
    space = np.maximum.reduce([cavity.wall, -cavity.above, -column])
    front = float(marks.points("sternum")[:, 1].mean())
    depth = np.maximum(np.float32(front) - sy, 60)
    forward = np.clip(dy / depth, 0, 1)
    # Wide around the great vessels, narrow behind the sternum where the lungs meet.
    width = np.float32(rng.uniform(21, 31)) * (
        1 - np.float32(rng.uniform(0.45, 0.85)) * np.maximum(forward - 0.35, 0) * 1.5
    )
    middle = np.maximum(np.abs(dx) - width, -dy - 4)
    heart = _Heart(marks, front=front, dome=cavity.dome, rng=rng)
    pericardium = heart.distance(region) - 3
    airless = np.minimum(middle, pericardium) + region.noise(rng, 40.0) * np.float32(2.5)
    inside = region.below(space)
    lung = inside & ~region.below(airless)
    canvas.lay("visceral_fat", inside, region.box)
    canvas.lay("lung", lung, region.box)
    _opacities(canvas, cavity, settings, dy, rng)
    heart.lay(canvas, rng)
    _great_vessels(canvas, marks, settings, rng, heart)
    _airways(canvas, marks, settings, rng)
    _lung_vessels(canvas, marks, rng)


class _Heart:
    """An ellipsoid with its apex to the left, the front and below; a third of it lies right of the midline."""

    def __init__(self, marks: Landmarks, *, front: float, dome: float, rng: np.random.Generator) -> None:
        size = marks.scale * rng.uniform(0.9, 1.25)
        # It rests on the diaphragm.
        level = float(np.clip(dome + 30 * size + rng.uniform(-6, 6), marks.level("T10"), marks.level("T6")))
        sx, sy = (float(v[0]) for v in marks.spine(np.array([level])))
        self.radii = (62 * size * rng.uniform(0.9, 1.1), 45 * size, 43 * size)
        long = np.array([-0.72, 0.45, -0.53]) + rng.normal(0, 0.08, 3)
        long /= np.linalg.norm(long)
        side = np.cross(long, [0, 0, 1.0])
        side /= np.linalg.norm(side)
        self.axes = np.stack([long, side, np.cross(long, side)], axis=1)
        room = front - sy
        self.centre = np.array([sx - rng.uniform(16, 30), sy + room - 14 - self.radii[1] * 0.95, level])
        self.centre[1] = max(self.centre[1], sy + 50)

    def distance(self, region: Patch) -> np.ndarray:
        """About the distance to its surface on a lattice."""
        x, y, z = (c - np.float32(m) for c, m in zip(region.nodes, self.centre, strict=True))
        scaled = (self.axes / np.array(self.radii)).astype(np.float32)
        squared = sum((x * scaled[0, d] + y * scaled[1, d] + z * scaled[2, d]) ** 2 for d in range(3))
        distance: np.ndarray = (np.sqrt(squared) - 1) * np.float32(min(self.radii))
        return distance

    def at(self, long: float, side: float, up: float) -> np.ndarray:
        """A point inside, in shares of the radii."""
        point: np.ndarray = self.centre + self.axes @ (np.array([long, side, up]) * np.array(self.radii))
        return point

    def lay(self, canvas: Canvas, rng: np.random.Generator) -> None:
        canvas.ball("heart", self.centre, self.radii, axes=self.axes, rough=rng)
        a, b, c = self.radii
        canvas.ball(
            "artery", self.at(0.25, -0.25, -0.05), (0.45 * a, 0.38 * b, 0.4 * c), axes=self.axes, over=("heart",)
        )
        canvas.ball(
            "artery", self.at(-0.6, -0.35, -0.3), (0.3 * a, 0.45 * b, 0.45 * c), axes=self.axes, over=("heart",)
        )
        canvas.ball("vein", self.at(0.1, 0.55, 0.1), (0.55 * a, 0.3 * b, 0.5 * c), axes=self.axes, over=("heart",))
        canvas.ball("vein", self.at(-0.6, 0.5, 0.1), (0.3 * a, 0.35 * b, 0.5 * c), axes=self.axes, over=("heart",))


def _great_vessels(
    canvas: Canvas, marks: Landmarks, settings: TissueSettings, rng: np.random.Generator, heart: _Heart
) -> None:
    ascending = rng.uniform(*settings.ascending_aorta_mm)
    descending = 0.78 * ascending
    jitter = rng.normal(0, 2.5, (30, 3))

    def at(level: str, x: float, y: float, n: int) -> np.ndarray:
        point: np.ndarray = marks.at(level, (x, y, 0.0)) + jitter[n]
        return point

    root = heart.at(-0.55, 0.0, 0.15)
    arch = [
        root,
        at("T6", 14.0, 58.0, 0),
        at("T5", 12.0, 56.0, 1),
        at("T4", 2.0, 42.0, 2),
        at("T4", -12.0, 24.0, 3),
        at("T5", -22.0, 8.0, 4),
    ]
    down = [
        arch[-1],
        at("T7", -22.0, 6.0, 5),
        at("T9", -19.0, 10.0, 6),
        at("T11", -12.0, 18.0, 7),
        at("T12", -7.0, 22.0, 8),
    ]
    canvas.rod(
        "vein", [heart.at(-0.3, 0.55, 0.5), at("T6", -14.0, 62.0, 9), at("T5", -20.0, 44.0, 10)], (14.0, 14.0, 12.0)
    )
    canvas.rod(
        "vein", [at("T6", -14.0, 52.0, 11), at("T6", 12.0, 34.0, 12), at("T6", 38.0, 20.0, 13)], (11.0, 11.0, 8.0)
    )
    canvas.rod("vein", [at("T5", -20.0, 44.0, 10), at("T5", -38.0, 14.0, 14)], (11.0, 8.0))
    canvas.rod("artery", arch, (ascending, ascending, ascending, descending * 1.1, descending, descending))
    canvas.rod("artery", down, (descending, descending, descending, 0.93 * descending, 0.88 * descending))
    upper_vena = [
        heart.at(-0.7, 0.6, 0.4),
        at("T6", 30.0, 42.0, 15),
        at("T4", 27.0, 42.0, 16),
        at("T2", 26.0, 44.0, 17),
    ]
    canvas.rod("vein", upper_vena, (11.0, 10.0, 9.0, 8.0))
    canvas.rod(
        "vein", [at("T3", 27.0, 44.0, 18), at("T2", -10.0, 52.0, 19), at("T1", -38.0, 42.0, 20)], (8.0, 6.5, 7.0)
    )
    for x0, x1, n in ((10.0, 26.0, 21), (-2.0, -20.0, 22), (-14.0, -32.0, 23)):
        canvas.rod(
            "artery",
            [at("T4", x0, 40 - abs(x0), n), at("T2", 0.7 * x1 + 4, 28.0, n + 1), at("T1", x1, 24.0, n + 2)],
            (6.0, 5.5, 5.0),
        )
    gullet = [at("C7", -3.0, 17.0, 26), at("T3", -6.0, 20.0, 27), at("T7", -3.0, 24.0, 28), at("T10", -12.0, 32.0, 29)]
    canvas.rod("organ", gullet, (7.0, 7.0, 8.0, 8.0), over=("visceral_fat", "fat", "muscle", "lung"))
    if rng.random() < 0.4:
        start = rng.integers(3)
        canvas.rod("gas", gullet[start : start + 2], (3.5, 3.0), over=("organ",))
    for _ in range(int(rng.integers(0, 9))):  # lymph nodes
        spot = at(str(rng.choice(["T3", "T4", "T5", "T6"])), rng.uniform(-25, 25), rng.uniform(20, 60), 0)
        canvas.ball("organ", spot, (rng.uniform(3, 7), rng.uniform(3, 7), rng.uniform(3, 8)), over=("visceral_fat",))


def _airways(canvas: Canvas, marks: Landmarks, settings: TissueSettings, rng: np.random.Generator) -> None:
    radius = rng.uniform(*settings.trachea_mm)
    shift = rng.normal(0, 2.5)
    carina = marks.at("T5", (2 + shift, 31.0, rng.uniform(-8, 12)))
    pipe = [marks.at("C6", (shift, 24.0, 0.0)), marks.at("T2", (shift, 30.0, 0.0)), carina]
    right = [carina, carina + np.array([20.0, -4.0, -20.0]), carina + np.array([34.0, -8.0, -34.0])]
    left = [carina, carina + np.array([-24.0, -6.0, -24.0]), carina + np.array([-42.0, -12.0, -34.0])]
    for wall, tissue in ((1.8, "connective"), (0.0, "airway")):
        canvas.rod(tissue, pipe, [radius + wall] * 3)
        canvas.rod(tissue, right, (0.75 * radius + wall, 0.72 * radius + wall, 0.5 * radius + wall))
        canvas.rod(tissue, left, (0.68 * radius + wall, 0.62 * radius + wall, 0.45 * radius + wall))
        for branch in (right, left):
            side = np.sign(branch[-1][0] - carina[0])
            for step in ((16, 4, 18), (18, 12, -12), (12, -14, -26)):
                canvas.rod(
                    tissue,
                    [branch[-1], branch[-1] + np.array([side * step[0], step[1], step[2]])],
                    (3.5 + wall, 2.2 + wall * 0.6),
                    over=("lung", "visceral_fat", "connective"),
                )


def _lung_vessels(canvas: Canvas, marks: Landmarks, rng: np.random.Generator) -> None:
    """Trees that branch from both hila; a vessel never ends thinner than the grid can show."""
    least = 0.42 * canvas.grid.spacing
    over = ("lung",)

    def grow(start: np.ndarray, way: np.ndarray, radius: float, length: float, depth: int) -> None:
        end = start + way * length
        canvas.rod(
            "vein" if rng.random() < 0.5 else "artery",
            [start, end],
            (max(radius, least), max(0.75 * radius, least)),
            over=over,
        )
        if depth == 0:
            return
        for _ in range(2 if rng.random() < 0.5 else 3):
            turn = way + rng.normal(0, 0.45, 3)
            grow(end, turn / np.linalg.norm(turn), 0.76 * radius, length * rng.uniform(0.75, 0.95), depth - 1)

    for side in _SIDES:
        hilum = marks.at("T6", (side * 40.0, 16.0, 0.0))
        for way in (
            (1, 0.3, 1.2),
            (1, 1.1, 0.3),
            (1, -0.4, 0.2),
            (0.7, 0.5, -1.2),
            (0.7, -0.7, -1.1),
            (1, -0.8, 0.9),
            (0.9, 0.1, -0.6),
        ):
            direction = np.array([side * way[0], way[1], way[2]]) + rng.normal(0, 0.2, 3)
            # Lobar arteries and veins measure 8 to 14 mm across, segmental ones 4 to 7 (Gray's Anatomy).
            grow(hilum, direction / np.linalg.norm(direction), rng.uniform(4.5, 7.0), rng.uniform(24, 34), 3)


def _opacities(
    canvas: Canvas, cavity: Cavity, settings: TissueSettings, dy: np.ndarray, rng: np.random.Generator
) -> None:
    """Fluid in the lowest part of the chest (the patient lies on the back), and consolidated lung."""
    region = cavity.region
    if rng.random() < settings.effusion_rate:
        depth = rng.uniform(5, 40)
        back = cavity.wall + np.float32(depth) * np.clip((30 - dy) / 60, 0, 1)
        side = rng.choice([-1.0, 1.0, 0.0])
        x = region.nodes[0]
        fluid = region.below(-back) & (region.fine(side * x) > (-1e3 if side == 0 else 0.0)) & region.below(dy, 20.0)
        canvas.lay("csf", fluid, region.box, over=("lung",))
    if rng.random() < settings.opacity_rate:
        patchy = region.noise(rng, rng.uniform(15, 45)) - np.float32(rng.uniform(1.6, 2.4)) - dy * np.float32(0.006)
        canvas.lay("organ", region.below(-patchy), region.box, over=("lung",))
