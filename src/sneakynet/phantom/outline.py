"""The body's outline: skin, the fat under it, and the muscle around the bones.

The trunk is a stack of closed curves: distance from an axis before the spine by angle and height, taken from the bones
and filled in where there are none (belly, waist). Head, neck, shoulders and limbs join it as rods and rounded hulls.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter, map_coordinates

from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.patch import Box, Patch, patch

_ANGLES = 72
_STEP = 10.0  # mm between heights
_FAR = 1e3


def _directions(n: int) -> np.ndarray:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(n) + 0.5
    z, turn = 1 - 2 * k / n, np.pi * (1 + 5**0.5) * k
    s = np.sqrt(1 - z**2)
    return np.stack([s * np.cos(turn), s * np.sin(turn), z], axis=1)


_NORMALS = _directions(90)


@dataclass(frozen=True)
class Tabletop:
    """The front of what the person lies on: a plane that may be tilted along the body (RAS mm).

    Args:
        height: y at z = ``level``.
        level: where.
        slope: change of y per mm of z.
    """

    height: float
    level: float
    slope: float = 0.0

    def front(self, z: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        """y of the front at heights."""
        front: np.ndarray = np.float32(self.height) + np.float32(self.slope) * (z - np.float32(self.level))
        return front


@dataclass(frozen=True)
class Build:
    """How much of a person there is (mm)."""

    fat: float
    """Under the skin of the trunk, on average."""
    muscle: float
    """More muscle than the least, over ribs and limbs."""
    belly: float
    """How far the belly bulges before the line from sternum to pubis; less than 0 in the thin."""
    neck: float
    """The neck's radius."""
    breast: float
    """Radius of the breasts; 0 for none."""
    scalp: float
    """Skin and what lies under it over the skull."""
    visceral: float = 0.5
    """How much of the belly's inside is fat, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Section:
    """Radii of a trunk-like tube by height and angle (0 at the right, a quarter turn at the front).

    Args:
        axis: x and y of the tube's axis by height.
        z0: the first height, body mm; heights are 10 mm apart.
        radii: mm.
    """

    axis: Float[np.ndarray, "height 2"]
    z0: float
    radii: Float[np.ndarray, "height angle"]

    def heights(self) -> Float[np.ndarray, " height"]:
        """All heights, body mm."""
        return self.z0 + _STEP * np.arange(len(self.axis))

    def locate(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance from the axis, and the coordinates of the table of radii, of points."""
        heights = self.heights()
        dx = x - np.interp(z, heights, self.axis[:, 0]).astype(np.float32)
        dy = y - np.interp(z, heights, self.axis[:, 1]).astype(np.float32)
        angle = np.arctan2(dy, dx) * np.float32(_ANGLES / (2 * np.pi))
        return np.hypot(dx, dy), np.stack([(z - self.z0) / np.float32(_STEP), angle % _ANGLES])

    def at(self, table: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Values of a table by height and angle at points found by :meth:`locate`."""
        wrapped = np.concatenate([table, table[:, :1]], axis=1).astype(np.float32)
        return map_coordinates(wrapped, where, order=1, mode="nearest", output=np.float32)


def section(points: np.ndarray, *, axis: np.ndarray, z0: float, inner: bool = False) -> Section:
    """The tube through the outermost (or innermost) points at each angle, smooth where there are none."""
    n = len(axis)
    row = np.round((points[:, 2] - z0) / _STEP).astype(int)
    points, row = points[(row >= 0) & (row < n)], row[(row >= 0) & (row < n)]
    d = points[:, :2] - axis[row]
    column = np.round(np.arctan2(d[:, 1], d[:, 0]) / (2 * np.pi) * _ANGLES).astype(int) % _ANGLES
    radius = np.hypot(d[:, 0], d[:, 1])
    table = np.zeros((n, _ANGLES))
    np.maximum.at(table, (row, column), _FAR - radius if inner else radius)
    if inner:
        table[table > 0] = _FAR - table[table > 0]
    return Section(axis, z0, _filled(table))


def _filled(table: np.ndarray) -> np.ndarray:
    """Radii everywhere: near what is known by it, else by what is farther away."""
    known = (table > 0).astype(float)
    total, weight = np.zeros_like(table), np.zeros_like(table)
    for spread, share in ((0.8, 1.0), (2.0, 1e-2), (6.0, 1e-5), (20.0, 1e-9)):
        wide = (spread, spread * 1.5)
        total += share * gaussian_filter(known * table, wide, mode=("nearest", "wrap"))
        weight += share * gaussian_filter(known, wide, mode=("nearest", "wrap"))
    smooth = total / np.maximum(weight, 1e-30)
    return gaussian_filter(smooth, (0.8, 1.2), mode=("nearest", "wrap"))


Nodes = tuple[np.ndarray, np.ndarray, np.ndarray]


def rod_field(nodes: Nodes, start: np.ndarray, end: np.ndarray, radii: tuple[float, float]) -> np.ndarray:
    """Distance to a rod at points."""
    x, y, z = (c - np.float32(m) for c, m in zip(nodes, start, strict=True))
    axis = (end - start).astype(np.float32)
    along = np.clip((x * axis[0] + y * axis[1] + z * axis[2]) / np.float32(max(float(axis @ axis), 1e-6)), 0, 1)
    squared = (x - along * axis[0]) ** 2 + (y - along * axis[1]) ** 2 + (z - along * axis[2]) ** 2
    distance: np.ndarray = np.sqrt(squared) - (np.float32(radii[0]) + along * np.float32(radii[1] - radii[0]))
    return distance


def hull_field(nodes: Nodes, points: np.ndarray) -> np.ndarray:
    """Distance to a rounded convex hull at points: the farthest of 90 supporting planes."""
    normals = _NORMALS.astype(np.float32)
    reach = (points @ _NORMALS.T).max(0).astype(np.float32)
    flat = np.stack([c.ravel() for c in nodes], axis=1)
    best = np.empty(len(flat), np.float32)
    for start in range(0, len(flat), 1 << 14):
        # Chunks that stay in the processor's cache: three times faster than all at once.
        chunk = flat[start : start + (1 << 14)] @ normals.T
        chunk -= reach
        chunk.max(1, out=best[start : start + (1 << 14)])
    return best.reshape(nodes[0].shape)


class Outline:
    """Distance to the skin and thickness of the fat under it, on the lattice of the whole grid.

    Args:
        region: the whole grid.
        marks: the skeleton.
        build: thicknesses of this person.
        rng: draws the unevenness.
    """

    def __init__(self, region: Patch, marks: Landmarks, build: Build, rng: np.random.Generator) -> None:
        self.region, self.marks, self.build = region, marks, build
        self.trunk = trunk_section(marks, build)
        self.skin = np.full(region.lattice_shape, _FAR, np.float32)
        self.fat = np.full(region.lattice_shape, build.fat * 0.3 + 2, np.float32)
        # What may only touch the trunk comes before it, what grows from it after it, with a fillet.
        self._arms()
        self._head_and_neck()
        self._trunk(rng)
        self._shoulders()
        self._buttocks()
        self._legs()
        if build.breast > 0:
            self._breasts(build.breast)

    def _part(self, low: np.ndarray, high: np.ndarray) -> tuple[Box, Nodes] | None:
        """The part of the lattice around a box given in body mm."""
        region = self.region
        near = patch(region.grid, region.frame, low.tolist(), high.tolist())
        if near.empty:
            return None
        i, j, k = (
            slice(max(0, s.start // region.step - 1), min(n, -(-s.stop // region.step) + 2))
            for s, n in zip(near.box, region.lattice_shape, strict=True)
        )
        x, y, z = (c[i, j, k] for c in region.nodes)
        return (i, j, k), (x, y, z)

    def _join(
        self,
        low: np.ndarray,
        high: np.ndarray,
        field: Callable[[Nodes], np.ndarray],
        blend: float,
        fat: float | None,
    ) -> None:
        part = self._part(low - 36, high + 36)
        if part is not None:
            box, nodes = part
            distance = field(nodes)
            if fat is not None:
                self._cover(box, distance, np.float32(fat))
            self.skin[box] = _smooth_min(self.skin[box], distance, blend)

    def _cover(self, box: Box, distance: np.ndarray, fat: np.ndarray | np.float32) -> None:
        """The fat of a new part, where its skin lies outside of what is there already."""
        near = 1 / (1 + np.exp(np.clip((distance - self.skin[box]) / 12, -30, 30)))
        self.fat[box] = self.fat[box] * (1 - near) + fat * near

    def _rod(
        self,
        start: np.ndarray,
        end: np.ndarray,
        radii: tuple[float, float],
        blend: float = 12.0,
        fat: float | None = None,
    ) -> None:
        """A rod of flesh; its radii count the fat that lies around it, which leaves what is there if not given."""
        low, high = np.minimum(start, end) - max(radii), np.maximum(start, end) + max(radii)
        self._join(low, high, lambda nodes: rod_field(nodes, start, end, radii), blend, fat)

    def _hull(self, points: np.ndarray, grown: float, blend: float = 12.0, fat: float | None = None) -> None:
        if len(points) > 3:
            near = points[np.unique((points @ _NORMALS.T).argmax(0))]
            self._join(
                points.min(0) - grown,
                points.max(0) + grown,
                lambda nodes: hull_field(nodes, near) - np.float32(grown),
                blend,
                fat,
            )

    def flatten(self, table: Tabletop) -> None:
        """Flesh that lies on the table gives way, fat more than muscle."""
        region = self.region
        y, z = (
            np.float32(region.grid.origin[d])
            + np.float32(region.grid.spacing * region.step) * np.arange(region.lattice_shape[d], dtype=np.float32)
            for d in (1, 2)
        )
        under = table.front(z)[None, None, :] - y[None, :, None]
        self.skin = -_smooth_min(-self.skin, np.broadcast_to(-under, self.skin.shape), 8.0)

    def _arms(self) -> None:
        fat = 0.4 * self.build.fat + 2
        more = 0.8 * self.build.muscle + fat - 4
        for side in ("left", "right"):
            for bone, radii in (("radius", (26.0, 18.0)), ("ulna", (28.0, 17.0)), ("humerus", (28.0, 26.0))):
                ends = self.marks.ends(f"{bone}_{side}")
                if ends is not None:
                    middle = ends[0] + 0.4 * (ends[1] - ends[0])
                    swell = 1.15 if bone != "humerus" else 1.3
                    self._rod(ends[0], middle, (radii[0] + more, radii[0] * swell + more), fat=fat)
                    self._rod(middle, ends[1], (radii[0] * swell + more, radii[1] + 0.5 * more), fat=fat)
            palm = self.marks.points(*(f"{bone}_{side}" for bone in _PALM))
            self._hull(palm, 8.0, fat=0.1 * self.build.fat + 2)

    def _shoulders(self) -> None:
        fat = 0.55 * self.build.fat + 3
        more = self.build.muscle + 0.3 * self.build.fat
        tips = self.marks.points(*(f"vertebrae_T{n}" for n in range(1, 8)))
        tips = tips[tips[:, 1] < np.quantile(tips[:, 1], 0.4)]
        neck = self.marks.at("C6", (0.0, -12.0, 0.0))
        for side in ("left", "right"):
            shoulder = self.marks.points(f"scapula_{side}", f"clavicula_{side}")
            if not len(shoulder):
                continue
            arm = self.marks.ends(f"humerus_{side}")
            if arm is not None:
                near = self.marks.points(f"humerus_{side}")
                shoulder = np.concatenate([shoulder, near[np.linalg.norm(near - arm[0], axis=1) < 60]])
            # With the spine's tips, so that the back is filled between the shoulder blades.
            self._hull(np.concatenate([shoulder, tips]), 9.0 + 0.6 * self.build.muscle + fat, 20.0, fat)
            if arm is not None and arm[0][2] < neck[2] - 20:  # the trapezius
                ridge = 0.25 * neck + 0.75 * arm[0] + np.array([0, -8.0, 8.0])
                self._rod(neck, ridge, (24.0 + more, 18.0 + more), 30.0)

    def _buttocks(self) -> None:
        """The gluteal muscles, and the fat over them: behind and beside the hip bones, down to the femurs."""
        build, marks = self.build, self.marks
        fat = 1.1 * build.fat + 3
        for sign, side in ((1.0, "right"), (-1.0, "left")):
            hip = marks.points(f"hip_{side}")
            if not len(hip):
                continue
            upper = hip[hip[:, 2] > np.quantile(hip[:, 2], 0.6)]
            spine = upper[upper[:, 1] < np.quantile(upper[:, 1], 0.15)].mean(0)
            wing = upper[sign * upper[:, 0] > np.quantile(sign * upper[:, 0], 0.85)].mean(0)
            seat = hip[hip[:, 2] < np.quantile(hip[:, 2], 0.12)].mean(0)
            femur = marks.ends(f"femur_{side}")
            joint = femur[0] if femur is not None else seat + np.array([sign * 55.0, 20.0, 60.0])
            large, small = 30 + 1.2 * build.muscle + fat, 20 + build.muscle + fat
            low = (seat + joint) / 2 + np.array([0.0, -24.0, -12.0])
            self._rod(spine + np.array([sign * 20.0, 10.0, -18.0]), low, (large - 4, large + 12), 24.0, fat)
            self._rod(
                wing + np.array([-sign * 8.0, -12.0, -22.0]),
                joint + np.array([-sign * 8.0, -4.0, -10.0]),
                (small, small + 8),
                24.0,
                fat,
            )

    def _legs(self) -> None:
        build = self.build
        fat = 0.75 * build.fat + 4
        for side in ("left", "right"):
            ends = self.marks.ends(f"femur_{side}")
            if ends is not None:
                # The thigh's mass lies inward of the femur's upper end.
                hip = ends[0] + np.array([-14.0 if side == "right" else 14.0, -5.0, -30.0])
                self._rod(hip, ends[1], (60.0 + 1.6 * build.muscle + fat, 42.0 + build.muscle + 0.6 * fat), 20.0, fat)
            ends = self.marks.ends(f"{side[0]}_tibia")
            if ends is not None:
                more = 0.8 * build.muscle + 0.5 * fat
                self._rod(ends[0], ends[1], (42.0 + more, 28.0 + 0.6 * more), fat=0.5 * fat)

    def _head_and_neck(self) -> None:
        build, marks = self.build, self.marks
        skull, jaw = marks.points("skull"), marks.points("mandible")
        self._hull(skull, build.scalp, fat=0.5 * build.scalp)
        if len(jaw):
            front = skull[skull[:, 1] > np.quantile(skull[:, 1], 0.6)]
            self._hull(np.concatenate([jaw, front]), build.scalp + 3.0, fat=0.12 * build.fat + 3)
        nose = np.array([np.median(skull[:, 0]), skull[:, 1].max() + 12, np.quantile(skull[:, 2], 0.28)])
        self._rod(nose, nose + np.array([0, -14.0, 24.0]), (11.0, 7.0), 10.0)
        heights = np.array(
            [marks.level("T2"), marks.level("C7"), marks.level("C5"), marks.level("C3"), marks.level("C1")]
        )
        x, y = marks.spine(heights)
        radius = build.neck
        back = np.stack([x, y - 12, heights], axis=1)
        front = np.stack([x, y + 0.55 * radius, heights], axis=1)
        for line, size in ((back, radius * 0.92), (front, radius * 0.82)):
            for first, second in pairwise(line):
                self._rod(first, second, (size, size), 15.0, 0.3 * build.fat + 2)

    def _breasts(self, size: float) -> None:
        """Fat on the chest; the muscle below stays where it is."""
        front = float(np.quantile(self.marks.points("sternum")[:, 1], 0.7))
        middle = float(self.marks.points("sternum")[:, 0].mean())
        before = self.skin.copy()
        for side in (-1.0, 1.0):
            # On the back they sink sideways.
            upper = np.array([middle + side * 78, front - 8, self.marks.level("T6")])
            self._rod(upper, upper + np.array([side * 18, -8.0, -26.0]), (size, size), 18.0)
        self.fat += np.minimum(before - self.skin, 2 * size)

    def _trunk(self, rng: np.random.Generator) -> None:
        build, marks, tube = self.build, self.marks, self.trunk
        heights = tube.heights()
        widest = float(tube.radii.max()) + build.fat * 1.6 + build.muscle + 40
        low = np.array([tube.axis[:, 0].min() - widest, tube.axis[:, 1].min() - widest, heights[0] - 60])
        high = np.array([tube.axis[:, 0].max() + widest, tube.axis[:, 1].max() + widest, heights[-1] + 40])
        part = self._part(low, high)
        if part is None:
            return
        box, nodes = part
        radius, where = tube.locate(*nodes)
        fat = tube.at(fat_table(tube, marks, build), where)
        uneven = np.exp(np.float32(0.25) * self.region.noise(rng, 90.0)[box])
        fat *= uneven
        outer = tube.at(tube.radii + muscle_table(tube, marks, build), where)
        # The perineum below; above, ribs taper by themselves and the neck goes on.
        bottom = np.float32(marks.points("hip")[:, 2].min() - 15)
        distance = np.maximum(radius - outer - fat, bottom - nodes[2]).astype(np.float32)
        distance = np.maximum(distance, nodes[2] - np.float32(heights[-1]))
        self._cover(box, distance, fat)
        self.skin[box] = _smooth_min(self.skin[box], distance, 8.0)


def lay_fingers(canvas: Canvas, marks: Landmarks) -> None:
    """Skin and flesh of the fingers: thinner than the outline's lattice shows."""
    for name in sorted(marks.bones):
        if name.startswith("phalanx"):
            ends = marks.ends(name)
            if ends is not None:
                for tissue, radii in (("skin", (8.5, 7.5)), ("connective", (7.0, 6.0))):
                    canvas.rod(tissue, ends, radii, over=("air", "skin"))


def lay_glands(canvas: Canvas, marks: Landmarks, size: float, rng: np.random.Generator) -> None:
    """Strands of glandular tissue in the fat of the breasts."""
    front = float(np.quantile(marks.points("sternum")[:, 1], 0.7))
    middle = float(marks.points("sternum")[:, 0].mean())
    dense = np.float32(rng.uniform(-0.9, 1.2))
    for side in (-1.0, 1.0):
        centre = np.array([middle + side * 86, front + 0.35 * size, marks.level("T6") - 13])
        region, distance = canvas.ball_distance(centre, (0.8 * size, 0.6 * size, 0.8 * size))
        if not region.empty:
            strands = region.fine_noise(rng, 14.0) < dense
            canvas.lay("connective", (distance < 0) & strands, region.box, over=("fat",))


_PALM = ("metacarpal", "scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate")


def _smooth_min(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """The smaller of two distances, with a fillet of about ``blend`` mm where they meet."""
    overlap = np.maximum(np.float32(blend) - np.abs(a - b), 0)
    result: np.ndarray = np.minimum(a, b) - overlap * overlap * np.float32(0.25 / blend)
    return result


def trunk_section(marks: Landmarks, build: Build) -> Section:
    """The bones' tube from the thighs to the neck, with a belly before the waist."""
    ribs = marks.points("rib", "sternum", "manubrium", "costal")
    pelvis = marks.points("hip", "sacrum", "coccyx")
    femurs = [marks.points(f"femur_{side}") for side in ("left", "right")]
    heads = [points[points[:, 2] > points[:, 2].max() - 70] for points in femurs if len(points)]
    z0 = float(pelvis[:, 2].min()) - 60
    heights = np.arange(z0, marks.level("T1") + 40, _STEP)
    axis = trunk_axis(marks, heights)
    points = np.concatenate(
        [ribs, pelvis, *heads, marks.points("vertebrae_T", "vertebrae_L"), _belly(marks, axis, heights, build)]
    )
    return section(points, axis=axis, z0=z0)


def trunk_axis(marks: Landmarks, heights: np.ndarray) -> np.ndarray:
    """A line half way between back and front of the trunk."""
    x, y = marks.spine(heights)
    smooth = gaussian_filter(np.stack([x, y]), (0, 4), mode="nearest")
    forward = np.interp(heights, [marks.level("L4"), marks.level("T7"), marks.level("T1")], [45.0, 48.0, 15.0])
    return np.stack([smooth[0], smooth[1] + forward], axis=1)


def _belly(marks: Landmarks, axis: np.ndarray, heights: np.ndarray, build: Build) -> np.ndarray:
    """Points of the abdominal wall, where no bone says how far it reaches."""
    chest, hips = marks.points("sternum"), marks.points("hip")
    top, bottom = float(chest[:, 2].min()), float(np.quantile(hips[:, 2], 0.25))
    middle = np.abs(hips[:, 0] - np.median(hips[:, 0])) < 30
    pubis = hips[middle] if middle.any() else hips
    upper = float(np.quantile(chest[chest[:, 2] < top + 20][:, 1], 0.9))
    lower = float(pubis[:, 1].max())
    ribs = marks.points("rib")
    crest, margin = float(np.quantile(hips[:, 2], 0.93)), marks.level("T12")
    wide = [float(np.ptp(part[:, 0])) / 2 for part in (hips, ribs[np.abs(ribs[:, 2] - margin - 20) < 30])]
    tips = marks.points("vertebrae_L", "vertebrae_T12", "sacrum")
    points = []
    joint = [points for points in (marks.points(f"femur_{side}") for side in ("left", "right")) if len(points)]
    level = float(np.mean([p[:, 2].max() - 45 for p in joint])) if joint else crest - 120
    trunk = float(np.mean(axis[:, 0]))
    outer = max((float(np.abs(p[p[:, 2] > p[:, 2].max() - 80][:, 0] - trunk).max()) for p in joint), default=wide[0])
    for (cx, cy), z in zip(axis, heights, strict=True):
        if level < z < crest:  # the buttocks' sides, over what the hip bones' wings leave hollow
            side = float(np.interp(z, [level, crest], [outer, wide[0]])) - 8
            points += [(cx + sign * side, cy + dy, z) for sign in (-1, 1) for dy in (-50, -35, -20, -5, 10)]
    for (cx, cy), z in zip(axis, heights, strict=True):
        t = (z - bottom) / (top - bottom)
        if not 0 < t < 1:
            continue
        front = lower + t * (upper - lower) + build.belly * np.sin(np.pi * t) ** 0.8
        if crest - 15 < z < margin + 15:
            # Between crest and ribs a closed curve, a little narrower than both.
            flank = np.interp(z, [crest, margin], wide) * (1 - 0.08 * np.sin(np.pi * t)) + 0.25 * max(build.belly, 0)
            back = float(tips[np.abs(tips[:, 2] - z) < 25][:, 1].min(initial=cy - 70))
            for angle in np.linspace(0, 2 * np.pi, 48, endpoint=False):
                c, s = np.cos(angle), np.sin(angle)
                reach = front - cy if s > 0 else cy - back
                points.append((cx + flank * np.sign(c) * abs(c) ** 0.8, cy + reach * np.sign(s) * abs(s) ** 0.75, z))
        else:
            width = 75 + 0.35 * max(build.belly, 0.0)
            for share in np.linspace(-1, 1, 13):
                # A flattened arch: the recti before, the flanks behind them.
                points.append((cx + share * width, front - 34 * abs(share) ** 2.5, z))
    return np.array(points).reshape(-1, 3)


def _by_height(tube: Section, marks: Landmarks, values: Mapping[str, float]) -> np.ndarray:
    """Values given at levels, interpolated to the tube's heights, as a column."""
    pairs = sorted((marks.level(name), value) for name, value in values.items())
    column: np.ndarray = np.interp(tube.heights(), [z for z, _ in pairs], [v for _, v in pairs])[:, None]
    return column


def _around(centre: float, width: float) -> np.ndarray:
    """A bump over the angles (degrees, 90 is the front), as a row."""
    angle = np.arange(_ANGLES) * 360 / _ANGLES
    gap = (angle - centre + 180) % 360 - 180
    row: np.ndarray = np.exp(-0.5 * (gap / width) ** 2)[None]
    return row


def fat_table(tube: Section, marks: Landmarks, build: Build) -> np.ndarray:
    """Thickness of the fat under the skin: most on belly, hips and buttocks, least over the ribs."""
    height = _by_height(tube, marks, {"T1": 0.5, "T6": 0.6, "T12": 0.8, "L3": 1.1, "sacrum": 1.25, "hip_left": 1.2})
    angles = (
        0.85
        + 0.35 * _around(90.0, 50.0)
        + 0.3 * (_around(225.0, 30.0) + _around(315.0, 30.0))
        - 0.2 * _around(270.0, 20.0)
    )
    table: np.ndarray = np.maximum(build.fat * height * angles, 2.5)
    return table


def muscle_table(tube: Section, marks: Landmarks, build: Build) -> np.ndarray:
    """Thickness of the muscle outside of the bones: over ribs and belly, the back's, and the buttocks."""
    wall = 7 + 0.7 * build.muscle
    upper = _by_height(tube, marks, {"T1": 1.0, "T5": 1.0, "T9": 0.35, "T12": 0.0})
    lower = _by_height(tube, marks, {"L4": 0.0, "sacrum": 1.0, "hip_left": 1.0})
    pectoral = (10 + build.muscle) * upper * (_around(60.0, 22.0) + _around(120.0, 22.0))
    lateral = (14 + build.muscle) * upper * (_around(200.0, 30.0) + _around(340.0, 30.0))
    buttock = (22 + 1.5 * build.muscle) * lower * (_around(232.0, 24.0) + _around(308.0, 24.0))
    sides = (12 + build.muscle) * lower * (_around(190.0, 25.0) + _around(350.0, 25.0))
    table: np.ndarray = wall + pectoral + lateral + buttock + sides
    return table
