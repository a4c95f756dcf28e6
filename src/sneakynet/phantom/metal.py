"""Metal in the body: stems, nails, screws, rods, wires, plates and tooth fillings."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8

from sneakynet.phantom.body import WHOLE
from sneakynet.phantom.bone_voxels import Grid
from sneakynet.phantom.canvas import Canvas
from sneakynet.phantom.landmarks import Landmarks
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.tissue_settings import TissueSettings


def lay_metal(
    surfaces: Mapping[str, Surface], *, grid: Grid, settings: TissueSettings, rng: np.random.Generator
) -> UInt8[np.ndarray, "i j k"]:
    """Share of each voxel that is metal, in 255ths.

    The bone around it keeps its label: an implant is read as part of the bone it stands in.

    Args:
        surfaces: posed and shaped bones, RAS mm.
        grid: where to lay it.
        settings: how often there is which metal.
        rng: draws it.

    Raises:
        SettingError: the bones of the trunk are not all there.
    """
    marks = Landmarks(surfaces)
    metal = _Metal(Canvas(grid, marks.frame))
    for side in ("left", "right"):
        if rng.random() < settings.hip_stem_rate:
            _hip(metal, marks, side, rng)
        if rng.random() < settings.shoulder_stem_rate:
            _shoulder(metal, marks, side, rng)
    if rng.random() < settings.spine_screw_rate:
        _spine(metal, marks, rng)
    if rng.random() < settings.sternal_wire_rate:
        _sternal_wires(metal, marks, rng)
    if rng.random() < settings.filling_rate:
        _teeth(metal, marks, rng)
    if rng.random() < settings.plate_rate:
        _plate(metal, marks, rng)
    return metal.share


class _Metal:
    """Shares of metal, rod by rod; a wire thinner than a voxel fills its share of it."""

    def __init__(self, canvas: Canvas) -> None:
        self.share: UInt8[np.ndarray, "i j k"] = np.zeros(canvas.grid.shape, np.uint8)
        self._canvas = canvas

    def rod(self, start: np.ndarray, end: np.ndarray, radii: tuple[float, float]) -> None:
        spacing = self._canvas.grid.spacing
        found = self._canvas.rod_distance(start, end, radii, margin=spacing)
        if found is None:
            return
        distance, box = found
        thin = min(1.0, np.pi * max(radii) ** 2 / spacing**2)
        share = np.clip(0.5 - (distance - max(0.0, spacing / 2 - max(radii))) / spacing, 0, 1) * (thin * WHOLE)
        np.maximum(self.share[box], np.round(share).astype(np.uint8), out=self.share[box])

    def path(self, points: Sequence[np.ndarray], radius: float) -> None:
        for start, end in pairwise(points):
            self.rod(start, end, (radius, radius))


def _long_bone(marks: Landmarks, name: str, joint: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The head's centre, and the shaft's axis below the head and at its middle."""
    ends = marks.ends(name)
    head = marks.ball(name, joint)
    if ends is None or head is None:
        return None
    points, way = marks.bones[name], ends[1] - ends[0]
    share = (points - ends[0]) @ way / (way @ way)
    near, middle = points[(share > 0.2) & (share < 0.36)], points[(share > 0.36) & (share < 0.55)]
    if min(len(near), len(middle)) < 3:
        return None
    return head, near.mean(0), middle.mean(0)


def _hip(metal: _Metal, marks: Landmarks, side: str, rng: np.random.Generator) -> None:
    found = _long_bone(marks, f"femur_{side}", f"hip_{side}")
    if found is None:
        return
    head, upper, middle = found
    way = (upper - middle) / np.linalg.norm(upper - middle)
    top = upper + way * np.clip((head - upper) @ way - 15, 20, 90)  # where the neck meets the shaft's axis
    kind = rng.choice(["stem", "nail", "screws"], p=[0.55, 0.3, 0.15])
    if kind == "stem":
        ball = rng.uniform(14, 19)
        metal.rod(head, head + way * 0.1, (ball, ball))
        metal.rod(head, top, (rng.uniform(6, 8), rng.uniform(7, 10)))
        metal.rod(top, upper + 0.6 * (middle - upper), (rng.uniform(9, 12), rng.uniform(5, 7)))
    elif kind == "nail":
        lag = rng.uniform(4, 6)
        lateral = top + (top - head) * 0.35
        metal.rod(head, lateral, (lag, lag))
        metal.rod(top + way * 15, middle + (middle - upper) * rng.uniform(-0.3, 1.2), (6.5, 5.5))
    else:
        across = np.cross(way, head - top)
        across /= np.linalg.norm(across)
        for shift in (-7.0, 0.0, 7.0):
            metal.rod(head + across * shift, top + (top - head) * 0.35 + across * shift, (3.2, 3.2))


def _shoulder(metal: _Metal, marks: Landmarks, side: str, rng: np.random.Generator) -> None:
    found = _long_bone(marks, f"humerus_{side}", f"scapula_{side}")
    if found is None:
        return
    head, upper, middle = found
    ball = rng.uniform(15, 20)
    metal.rod(head, head + (upper - head) * 0.02, (ball, ball))
    metal.rod(head, upper, (7.0, 6.0))
    metal.rod(upper, middle, (6.0, 4.0))


def _spine(metal: _Metal, marks: Landmarks, rng: np.random.Generator) -> None:
    bodies = marks.bodies
    first = int(rng.integers(0, max(1, len(bodies) - 2)))
    chosen = bodies[first : first + int(rng.integers(2, 6))]
    thick = float(np.clip(chosen[:, 4].min() / 6, 1.4, 3.3))
    for side in (-1.0, 1.0):
        heads = []
        for x, y, z, half, depth in chosen:
            entry = np.array([x + side * 0.8 * half, y - depth - rng.uniform(18, 24), z + 2])
            metal.rod(entry, np.array([x + side * 0.3 * half, y + 0.5 * depth, z]), (thick, 0.8 * thick))
            metal.rod(entry, entry - np.array([0, 7.0, 0]), (2 * thick, 2 * thick))
            heads.append(entry - np.array([0, 8.0, 0]))
        metal.path(heads, 0.9 * thick)


def _sternal_wires(metal: _Metal, marks: Landmarks, rng: np.random.Generator) -> None:
    sternum = marks.points("sternum", "manubrium")
    low, high = float(sternum[:, 2].min()) + 20, float(sternum[:, 2].max()) - 12
    for z in np.linspace(low, high, int(rng.integers(4, 8))):
        band = sternum[np.abs(sternum[:, 2] - z) < 14]
        if len(band) < 4:
            continue
        centre, half = (band.min(0) + band.max(0)) / 2, np.ptp(band, axis=0) / 2
        turn = np.linspace(0, 2 * np.pi, 11)
        wide, deep = min(half[0] * 0.6, 18.0), min(half[1], 9.0) + 1
        ring = [np.array([centre[0] + wide * np.cos(t), centre[1] + deep * np.sin(t), z + 3 * np.cos(t)]) for t in turn]
        metal.path(ring, 0.5)
        metal.path([ring[3], ring[3] + np.array([2.0, 4.0, 4.0])], 1.0)


def _teeth(metal: _Metal, marks: Landmarks, rng: np.random.Generator) -> None:
    jaw = marks.points("mandible")
    if not len(jaw):
        return
    # The lower teeth; the upper ones stand just over them.
    teeth = jaw[(jaw[:, 2] > np.quantile(jaw[:, 2], 0.5)) & (jaw[:, 1] > np.quantile(jaw[:, 1], 0.5))]
    if not len(teeth):
        return
    for spot in teeth[rng.integers(len(teeth), size=int(rng.integers(1, 10)))]:
        lift = 0.0 if rng.random() < 0.5 else rng.uniform(8, 14)
        radius = rng.uniform(1.2, 4.0)
        metal.rod(spot + np.array([0, 0, lift]), spot + np.array([0, 0, lift + rng.uniform(2, 6)]), (radius, radius))


def _plate(metal: _Metal, marks: Landmarks, rng: np.random.Generator) -> None:
    """Along a long bone's shaft, with screws across it."""
    bones = [
        f"{bone}_{side}" for bone in ("clavicula", "humerus", "radius", "ulna", "femur") for side in ("left", "right")
    ]
    name = str(rng.choice(bones))
    ends = marks.ends(name)
    if ends is None:
        return
    points, way = marks.bones[name], ends[1] - ends[0]
    share = (points - ends[0]) @ way / (way @ way)
    axis = way / np.linalg.norm(way)
    out = np.cross(axis, rng.normal(0, 1, 3))
    out /= np.linalg.norm(out)
    width = 3.0 if name.startswith("femur") else 2.0
    first, line = rng.uniform(0.2, 0.45), []
    for at in np.linspace(first, first + rng.uniform(0.2, 0.4), 6):
        ring = points[np.abs(share - at) < 0.06]
        if len(ring) < 3:
            continue
        centre = ring.mean(0)
        reach = float(np.max((ring - centre) @ out))
        line.append(centre + out * (reach + width))
        if rng.random() < 0.85:
            metal.rod(line[-1], centre - out * reach, (0.6 * width, 0.6 * width))
    metal.path(line, width)
