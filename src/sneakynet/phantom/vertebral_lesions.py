"""Vertebrae that wear and break: osteophytes, bodies grown together, compression fractures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sneakynet.errors import SettingError
from sneakynet.phantom.spine import LEVELS
from sneakynet.phantom.surface import Surface

_BODY_DEPTH = 0.45  # of a vertebra's depth, from the front: the rest is arch and processes
_RIM = 3.5  # mm: how far from the end plate's edge an osteophyte reaches
_FUSABLE = LEVELS[1:-2]  # C2 to L4, each with the one below
_KINDS = ("wedge", "biconcave", "crush")


@dataclass(frozen=True)
class LesionSettings:
    """How often vertebrae are worn or broken."""

    fused: float = 0.04
    """Share with two vertebrae grown together: congenital blocks 0.5 % (Clarke et al. 1998), surgical or ankylosed in
    some per cent of the old (Westerveld et al. 2008 on DISH); drawn more often than all of these."""
    compression_at_80: float = 0.3
    """Share of 80-year-olds with a compression fracture, in proportion less down to none at 40. 20 to 40 %
    (Melton et al. 1993; Cummings and Melton 2002)."""
    compression: tuple[float, float] = (0.2, 0.55)
    """Loss of height: grades 1 (0.2) to 3 (above 0.4) of Genant et al. (1993)."""
    osteophyte: tuple[float, float] = (2.0, 6.0)
    """Largest osteophytes of a spine in mm at 40 years and at 80; 2 to 3 mm count as mild, above 6 mm as large
    (grades of Nathan 1962)."""

    def __post_init__(self) -> None:
        low, high = self.compression
        if not 0 <= low <= high <= 0.7:
            msg = f"compression is a low and a high share of height from 0 to 0.7, got {self.compression}"
            raise SettingError(msg)


@dataclass(frozen=True)
class Compression:
    """A vertebra, the share of its height that is lost, and how (wedge, biconcave, crush)."""

    vertebra: str
    loss: float
    kind: str


@dataclass(frozen=True)
class Lesions:
    """What one spine has.

    Args:
        fused: upper vertebra of each pair grown together.
        compressed: compression fractures.
        osteophytes: vertebra -> size in mm.
        seed: of where along the rims osteophytes sit.
    """

    fused: tuple[str, ...]
    compressed: tuple[Compression, ...]
    osteophytes: Mapping[str, float]
    seed: int


def draw_lesions(rng: np.random.Generator, settings: LesionSettings, *, age: float) -> Lesions:
    """What one spine has at an age in years."""
    fused = (str(rng.choice(_FUSABLE)),) if rng.random() < settings.fused else ()
    compressed = []
    if rng.random() < settings.compression_at_80 * np.clip((age - 40) / 40, 0, 1.3):
        # Most break at the junction of chest and loin, and at mid-chest (Cummings and Melton 2002).
        levels = [f"vertebrae_T{n}" for n in range(5, 13)] + [f"vertebrae_L{n}" for n in range(1, 6)]
        weights = np.array([1, 1.5, 2, 2, 1, 1, 2, 4, 4, 2, 1.5, 1, 0.5])
        for level in rng.choice(levels, size=int(rng.integers(1, 4)), replace=False, p=weights / weights.sum()):
            kind = str(rng.choice(_KINDS, p=[0.6, 0.25, 0.15]))
            compressed.append(Compression(str(level), float(rng.uniform(*settings.compression)), kind))
    mean = float(np.interp(age, [25, 40, 80], [0.0, *settings.osteophyte])) * float(rng.uniform(0.2, 1.0))
    sizes = {level: mean * float(rng.uniform(0, 1)) for level in LEVELS[2:]}
    return Lesions(fused, tuple(compressed), {k: v for k, v in sizes.items() if v > 0.5}, int(rng.integers(2**31)))


def with_lesions(surfaces: Mapping[str, Surface], lesions: Lesions) -> dict[str, Surface]:
    """The skeleton with worn and broken vertebrae (trunk at rest, RAS mm; triangles stay)."""
    out = dict(surfaces)
    present = [name for name in LEVELS if name in surfaces]
    rng = np.random.default_rng(lesions.seed)
    for name in LEVELS:  # drawn for all: a missing vertebra leaves the others as they are
        waves = rng.normal(0, 1, (2, 4))
        if name in lesions.osteophytes and name in out:
            out[name] = _Vertebra(out, present, name).rimmed(lesions.osteophytes[name], waves)
    for compression in lesions.compressed:
        if compression.vertebra in out:
            out[compression.vertebra] = _Vertebra(out, present, compression.vertebra).compressed(compression)
    for upper in lesions.fused:
        if upper in present[:-1]:
            lower = present[present.index(upper) + 1]
            a, b = _Vertebra(out, present, upper), _Vertebra(out, present, lower)
            gap = a.end(top=False) - a.height_of(b.surface.vertices[b.body]).max()
            if gap > 0:
                out[upper], out[lower] = a.stretched(gap / 2, top=False), b.stretched(gap / 2, top=True)
    return out


class _Vertebra:
    """A vertebra in its own frame: height along the spine, depth to the front, the body apart from the arch."""

    def __init__(self, surfaces: Mapping[str, Surface], present: list[str], name: str) -> None:
        self.surface = surfaces[name]
        place = present.index(name)
        above, below = present[max(place - 1, 0)], present[min(place + 1, len(present) - 1)]
        along = surfaces[above].vertices.mean(0) - surfaces[below].vertices.mean(0)
        self._up = along / np.linalg.norm(along)
        front = np.cross(self._up, [1.0, 0.0, 0.0])
        self._front = front / np.linalg.norm(front)
        vertices = self.surface.vertices
        self._depth = vertices @ self._front
        self._height = self.height_of(vertices)
        reach = self._depth.max() - self._depth.min()
        self._wall = self._depth.max() - _BODY_DEPTH * reach
        self.body: Bool[np.ndarray, " vertex"] = self._depth > self._wall

    def height_of(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, " vertex"]:
        """Mm along this vertebra's axis."""
        height: np.ndarray = vertices @ self._up
        return height

    def end(self, *, top: bool) -> float:
        """Height of the upper or lower end of the body."""
        heights = self._height[self.body]
        return float(heights.max() if top else heights.min())

    def _within(self) -> Float[np.ndarray, " vertex"]:
        """0 behind the body's back wall, rising to 1 within a few mm: nothing tears."""
        share: np.ndarray = np.clip((self._depth - self._wall) / 5.0, 0, 1)
        return share

    def _raised(self, by: Float[np.ndarray, " vertex"]) -> Surface:
        return self.surface.moved(self.surface.vertices + by[:, None] * self._up)

    def stretched(self, by: float, *, top: bool) -> Surface:
        """One end of the body drawn out by some mm."""
        low, high = self.end(top=False), self.end(top=True)
        middle = (low + high) / 2
        share = np.clip((self._height - middle) / ((high if top else low) - middle), 0, 1)
        return self._raised((by if top else -by) * share * self._within())

    def compressed(self, compression: Compression) -> Surface:
        """The upper end plate sunk: in front, in the middle, or all of it."""
        low = self.end(top=False)
        front = np.clip((self._depth - self._wall) / (self._depth.max() - self._wall), 0, 1)
        shape = {"wedge": front, "biconcave": np.sin(np.pi * front), "crush": self._within()}[compression.kind]
        sunk = compression.loss * np.clip(self._height - low, 0, None) * shape * self._within()
        return self._raised(-sunk)

    def rimmed(self, size: float, waves: Float[np.ndarray, "2 4"]) -> Surface:
        """Both rims of the body drawn outwards by up to ``size`` mm, in places."""
        vertices = self.surface.vertices
        centre = vertices[self.body].mean(0)
        outward = vertices - centre
        outward = outward - (outward @ self._up)[:, None] * self._up
        distance = np.linalg.norm(outward, axis=1)
        angle = np.arctan2(outward @ self._front, outward[:, 0])
        low, high = self.end(top=False), self.end(top=True)
        push = np.zeros(len(vertices))
        for end, (a, b, c, d) in zip((low, high), waves, strict=True):
            lumps = a * np.sin(angle) + b * np.cos(2 * angle) + c * np.sin(3 * angle) + d * np.cos(5 * angle)
            near = np.exp(-(((self._height - end) / _RIM) ** 2)) * (distance > 0.55 * distance[self.body].max())
            push += size * np.clip(lumps / 2, 0, 1) * near
        push *= self._within() / np.maximum(distance, 1.0)
        return self.surface.moved(vertices + push[:, None] * outward)
