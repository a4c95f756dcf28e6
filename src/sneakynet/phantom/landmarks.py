"""Where things are in a posed skeleton: the body's own frame, the spine's course, the trunk's cross-section."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from jaxtyping import Float

from sneakynet.errors import SettingError
from sneakynet.phantom.patch import Frame
from sneakynet.phantom.surface import Surface

SPINE = tuple(f"vertebrae_{level}{n}" for level, count in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, count + 1))
_MOST_POINTS = 3000
_NEEDED = (
    "vertebrae_C",
    "vertebrae_T",
    "vertebrae_L",
    "rib_left",
    "rib_right",
    "hip_left",
    "hip_right",
    "sacrum",
    "sternum",
    "skull",
)
# Share of a vertebra's depth (front of the body to the tip of the spinous process) that is body: Gray's Anatomy's
# figures, about 2 of 5 in the neck, a little more below.
_BODY_SHARE = {"C": 0.36, "T": 0.46, "L": 0.42}


class Landmarks:
    """Points of a skeleton in the body's frame (mm: right, front, up).

    Args:
        surfaces: bones by name, RAS mm.

    Raises:
        SettingError: the bones of the trunk are not all there.
    """

    def __init__(self, surfaces: Mapping[str, Surface]) -> None:
        missing = [prefix for prefix in _NEEDED if not any(name.startswith(prefix) for name in surfaces)]
        if missing:
            msg = f"soft tissue is laid around a whole skeleton; no surface is named {', '.join(missing)} ..."
            raise SettingError(msg)
        world = {name: _thinned(surface) for name, surface in surfaces.items()}
        self.frame = _frame(world)
        self.bones = {name: self.frame.inward(points) for name, points in world.items()}

    def points(self, *prefixes: str) -> Float[np.ndarray, "point 3"]:
        """Points of all bones whose names start so."""
        found = [points for name, points in self.bones.items() if name.startswith(prefixes)]
        return np.concatenate(found) if found else np.zeros((0, 3))

    def hindmost(self, *prefixes: str) -> float:
        """Lowest y (RAS mm) of bones whose names start so: what the table carries."""
        points = self.points(*prefixes)
        return float(self.frame.outward(points)[:, 1].min()) if len(points) else float("inf")

    def level(self, name: str) -> float:
        """Height of a vertebra ("L3") or another bone; a missing vertebra's is its neighbours'."""
        bone = f"vertebrae_{name}" if f"vertebrae_{name}" in self.bones or len(name) <= 3 else name
        if bone in self.bones:
            return float(self.bones[bone][:, 2].mean())
        known = [(n, float(self.bones[v][:, 2].mean())) for n, v in enumerate(SPINE) if v in self.bones]
        return float(np.interp(SPINE.index(bone), [n for n, _ in known], [z for _, z in known]))

    @cached_property
    def bodies(self) -> Float[np.ndarray, "level 5"]:
        """Centre x, y, z of each vertebral body, its half width and half depth, from below upwards."""
        rows = []
        for name, points in self.bones.items():
            if not name.startswith("vertebrae_"):
                continue
            front, back = points[:, 1].max(), points[:, 1].min()
            depth = _BODY_SHARE[name[10]] * (front - back)
            body = points[points[:, 1] > front - 0.6 * depth]
            middle = body.mean(0)
            half = min(float(np.ptp(body[:, 0])) / 2, 0.85 * float(depth))
            rows.append((middle[0], front - depth / 2, (body[:, 2].min() + body[:, 2].max()) / 2, half, depth / 2))
        table = np.array(rows)
        return table[np.argsort(table[:, 2])]

    def spine(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the vertebral bodies' centres at heights z."""
        line = self._line
        return np.interp(z, line[:, 2], line[:, 0]), np.interp(z, line[:, 2], line[:, 1])

    @cached_property
    def _line(self) -> np.ndarray:
        sacrum = self.bones["sacrum"]
        low = sacrum[sacrum[:, 2] < np.quantile(sacrum[:, 2], 0.3)].mean(0)
        top = sacrum[sacrum[:, 2] > np.quantile(sacrum[:, 2], 0.8)].mean(0)
        line = np.concatenate([[low, top], self.bodies[:, :3]])
        return line[np.argsort(line[:, 2])]

    def at(self, level: str, offset: tuple[float, float, float]) -> Float[np.ndarray, " 3"]:
        """A point beside a vertebral body's centre, by an offset in mm of a person of middle size."""
        z = self.level(level)
        x, y = self.spine(np.array([z]))
        return np.array([x[0], y[0], z]) + self.scale * np.array(offset)

    @cached_property
    def scale(self) -> float:
        """Size of the trunk over the middle one, whose column measures 440 mm from T1 to L5."""
        return float(np.clip((self.level("T1") - self.level("L5")) / 440, 0.75, 1.25))

    def ends(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Both ends of a long bone along its main axis, that nearer to the trunk's middle first."""
        points = self.bones.get(name)
        if points is None or len(points) < 4:
            return None
        centre = points.mean(0)
        axis = np.linalg.svd(points - centre, full_matrices=False)[2][0]
        along = (points - centre) @ axis
        first, second = centre + axis * along.min(), centre + axis * along.max()
        if _gap(second, self.bodies[:, :3]) < _gap(first, self.bodies[:, :3]):
            first, second = second, first
        return first, second

    def ball(self, name: str, socket: str) -> np.ndarray | None:
        """Centre of a long bone's round head, which lies in another bone's socket."""
        ends = self.ends(name)
        if ends is None or socket not in self.bones:
            return None
        points, way = self.bones[name], ends[1] - ends[0]
        upper = points[(points - ends[0]) @ way / (way @ way) < 0.16]
        if len(upper) < 3:
            return None
        gap = np.linalg.norm(upper - self.bones[socket].mean(0), axis=1)
        middle: np.ndarray = upper[np.argsort(gap)[: len(upper) // 3 + 1]].mean(0)
        return middle


def _gap(point: np.ndarray, curve: np.ndarray) -> float:
    return float(np.linalg.norm(curve - point, axis=1).min())


def _thinned(surface: Surface) -> np.ndarray:
    """At most a few thousand points of a surface; the triangles' centres too where its vertices are sparse."""
    vertices = surface.vertices
    if len(vertices) < _MOST_POINTS / 4:
        vertices = np.concatenate([vertices, vertices[surface.faces].mean(1)])
    return vertices[:: max(1, len(vertices) // _MOST_POINTS)]


def _frame(bones: Mapping[str, np.ndarray]) -> Frame:
    def middle(*prefixes: str) -> np.ndarray:
        found = [points.mean(0) for name, points in bones.items() if name.startswith(prefixes)]
        mean: np.ndarray = np.mean(found, axis=0)
        return mean

    low = middle("hip_left", "hip_right")
    high = middle("vertebrae_T1", "vertebrae_T2", "vertebrae_T3", "vertebrae_T4")
    up = (high - low) / np.linalg.norm(high - low)
    right = middle("hip_right", "rib_right") - middle("hip_left", "rib_left")
    right -= up * (right @ up)
    right /= np.linalg.norm(right)
    return Frame(low, np.stack([right, np.cross(up, right), up], axis=1))
