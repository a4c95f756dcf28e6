"""The trunk bent, stretched and breathing: one smooth map that carries spine, ribs, shoulders and head along.

A smooth map that never folds can open no gap and push no bone into another, which is why curvature is not left to the
joints of single vertebrae. Its coordinate is the level ``s`` along the spine: height, raised with the distance in
front of the spine as ribs fall from their vertebra to the breast bone, so that a rib moves with its own vertebra.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from sneakynet.phantom.limbs import SIDES, arm, leg, where
from sneakynet.phantom.surface import Surface

LEVELS = (
    *(f"vertebrae_C{n}" for n in range(1, 8)),
    *(f"vertebrae_T{n}" for n in range(1, 13)),
    *(f"vertebrae_L{n}" for n in range(1, 7)),
)
"""The presacral vertebrae from the top; the sixth lumbar is a variant."""

PELVIS = ("sacrum", "coccyx", "hip_left", "hip_right")
_Place = Callable[[Float[np.ndarray, "vertex 3"]], Float[np.ndarray, "vertex 3"]]
_OVER_VERTEBRAE = 1.2  # a vertebra has the mean tilt over its height, which is less than the most
_HEAD = ("skull", "mandible", "hyoid")
_RIB_FALL = 0.5  # mm of height that ribs lose per mm to the front: about 45 degrees at the side, less before
_CHEST_COBB = 11.0  # degrees
_RIB_GIVE = 0.4  # of the bend that would thin or thicken a rib far from the spine
_CURVE = 150.0  # mm from the apex of a lateral curve to its ends: a C-shaped curve takes in nine or more vertebrae
_KNOT = 1.5  # mm between the map's nodes along the spine
_CENTRE_DEPTH = 0.3  # of a vertebra's depth behind its front: where it turns in flexion (Pearcy and Bogduk 1988)


@dataclass(frozen=True)
class SpineSettings:
    """How trunks are curved, how they breathe and how the head lies."""

    kyphosis: tuple[float, float] = (2.0, 10.0)
    """Mean and standard deviation in degrees of thoracic kyphosis beyond the source's. Adults have 20 to 50 degrees,
    standard deviation 10 (Fon et al. 1980; Boseker et al. 2000)."""
    kyphosis_per_decade: float = 2.5
    """Degrees more per ten years beyond 40 (Fon et al. 1980: about 3 in women, less in men)."""
    lordosis: tuple[float, float] = (0.0, 8.0)
    """Mean and standard deviation in degrees of lumbar lordosis beyond the source's. Adults have 30 to 80 degrees,
    standard deviation 10 to 12; lying with bent knees takes some away (Been and Kalichman 2014)."""
    scoliosis_share: float = 0.12
    """Share with a lateral curve of more than 10 degrees. 8.3 % of adults (Carter and Haynes 1987), more in the
    old (Schwab et al. 2005)."""
    scoliosis: tuple[float, float] = (10.0, 20.0)
    """Cobb angle in degrees of those curves: mild, 10 to 25 (Weinstein et al. 2008), where ribs do not yet crowd into
    each other; curves of the chest, whose ribs reach far to the side, are kept to 11."""
    sideways: float = 3.0
    """Standard deviation in degrees of everyone else's lateral curve: lying askew, and asymmetry below 10 degrees."""
    neck_flexion: tuple[float, float] = (4.0, 8.0)
    """Mean and standard deviation in degrees of the head bent forward: pillow or head rest; the full range is 50
    (Youdas et al. 1992)."""
    head_turn: float = 9.0
    """Standard deviation in degrees of the head turned to a side; the full range is 70 (Youdas et al. 1992)."""
    head_tilt: float = 4.0
    """Standard deviation in degrees of the head tilted to a side; the full range is 40 (Youdas et al. 1992)."""
    rib_rise: tuple[float, float] = (1.0, 2.5)
    """Mean and standard deviation in degrees by which breathing in turns the ribs up; from full expiration to full
    inspiration they turn by 8 to 15 (Wilson et al. 1987)."""
    trunk_length: float = 0.025
    """Standard deviation of the length of neck, chest and loin, each relative to stature (sitting height relative to
    stature varies by 2.5 %: Gordon et al. 2014)."""


@dataclass(frozen=True)
class SpineShape:
    """How one trunk is curved: degrees beyond the source's, before they are applied.

    Args:
        kyphosis: of the chest, forward.
        lordosis: of the loin, backward.
        neck_flexion: forward.
        head_turn: to the left.
        head_tilt: to the right.
        cobb: lateral curve; positive to the right.
        apex: name of the vertebra at its apex.
        counter_curve: share of the Cobb angle that a second curve above or below takes back.
        rib_rise: degrees by which the ribs are turned up.
        lengths: factors on the heights of neck, chest and loin.
    """

    kyphosis: float
    lordosis: float
    neck_flexion: float
    head_turn: float
    head_tilt: float
    cobb: float
    apex: str
    counter_curve: float
    rib_rise: float
    lengths: tuple[float, float, float]


def draw_spine(rng: np.random.Generator, settings: SpineSettings, *, age: float) -> SpineShape:
    """A trunk's curvature, for an age in years."""
    kyphosis = rng.normal(*settings.kyphosis) + settings.kyphosis_per_decade * max(0.0, age - 40) / 10
    scoliotic = rng.random() < settings.scoliosis_share
    sign = rng.choice([-1, 1])
    cobb = sign * rng.uniform(*settings.scoliosis) if scoliotic else rng.normal(0, settings.sideways)
    kyphosis = float(np.clip(kyphosis, -20, 35))
    # The loin makes up for the chest in part: sagittal balance (Roussouly et al. 2005).
    lordosis = float(np.clip(0.4 * kyphosis + rng.normal(*settings.lordosis), -25, 25))
    levels = ("T7", "T8", "T9", "T11", "L1", "L2")
    apex = str(rng.choice(levels))
    limit = _CHEST_COBB if apex.startswith("T") else 40.0
    return SpineShape(
        kyphosis=kyphosis,
        lordosis=lordosis,
        neck_flexion=float(np.clip(rng.normal(*settings.neck_flexion) - 0.5 * kyphosis, -25, 25)),
        head_turn=float(np.clip(rng.normal(0, settings.head_turn), -30, 30)),
        head_tilt=float(np.clip(rng.normal(0, settings.head_tilt), -12, 12)),
        cobb=float(np.clip(cobb, -limit, limit)),
        apex=f"vertebrae_{apex}",
        counter_curve=float(rng.uniform(0, 0.8)),
        rib_rise=float(np.clip(rng.normal(*settings.rib_rise), -5, 8)),
        lengths=_lengths(rng, settings.trunk_length),
    )


def _lengths(rng: np.random.Generator, deviation: float) -> tuple[float, float, float]:
    neck, chest, loin = (float(f) for f in np.clip(rng.normal(1, deviation, 3), 0.9, 1.1))
    return neck, chest, loin


@dataclass(frozen=True)
class Girth:
    """Factors on the trunk's width and depth (x, y) by region.

    Args:
        head: of head and neck, all directions.
        shoulders: at the second thoracic vertebra.
        chest: at the ninth.
        waist: at the third lumbar.
        pelvis: at and below the sacrum.
    """

    head: float
    shoulders: tuple[float, float]
    chest: tuple[float, float]
    waist: tuple[float, float]
    pelvis: tuple[float, float]


def bent(surfaces: Mapping[str, Surface], spine: SpineShape, girth: Girth) -> dict[str, Surface]:
    """The surfaces (at rest but for the limbs, RAS mm) with another trunk; limbs move with their joints."""
    trunk = _Trunk(surfaces, spine, girth)
    turn, pivot = _level_back(surfaces, trunk)

    def moved(vertices: np.ndarray, place: _Place) -> np.ndarray:
        level: np.ndarray = turn.apply(place(vertices) - pivot) + pivot
        return level

    out: dict[str, Surface] = {}
    for side in SIDES:
        for names, joint, place in ((arm(side), "shoulder", trunk.chest), (leg(side), "hip", trunk.pelvis)):
            at = where(surfaces, joint, side)
            shift = moved(at[None], place)[0] - at
            out |= {name: surfaces[name].moved(surfaces[name].vertices + shift) for name in names if name in surfaces}
    for name in surfaces.keys() - out.keys():
        out[name] = surfaces[name].moved(moved(surfaces[name].vertices, trunk.place_of(name)))
    return {name: out[name] for name in surfaces}


def _level_back(surfaces: Mapping[str, Surface], trunk: "_Trunk") -> tuple[Rotation, Float[np.ndarray, " 3"]]:
    """What turns the line from pelvis to neck to how it lay: on a table backs lie level whatever their curves."""
    ends = np.array([surfaces[name].vertices.mean(0) for name in ("sacrum", "vertebrae_T1")])
    pivot, top = trunk.pelvis(ends[:1])[0], trunk.chest(ends[1:])[0]
    turn, _ = Rotation.align_vectors((ends[1] - ends[0])[None], (top - pivot)[None])
    return turn, pivot


class _Trunk:
    """The map, as matrices along the spine: ``p -> C(s) + R(s) F(s) (p - c(s))``."""

    def __init__(self, surfaces: Mapping[str, Surface], spine: SpineShape, girth: Girth) -> None:
        self._head = girth.head
        self._pelvic = np.array([*girth.pelvis, 1.0])
        names = [name for name in LEVELS if name in surfaces]
        centres = np.array([_centre(surfaces[name]) for name in reversed(names)])
        sacrum = surfaces["sacrum"].vertices
        floor = sacrum[sacrum[:, 2] > sacrum[:, 2].max() - 12].mean(0)
        nodes = np.concatenate([floor[None], centres])
        level = dict(zip(reversed(names), centres[:, 2], strict=True)) | {"sacrum": float(floor[2])}
        self._s = np.arange(nodes[0, 2], nodes[-1, 2] + _KNOT, _KNOT)
        self._c = np.stack(
            [_smooth(np.interp(self._s, nodes[:, 2], nodes[:, k])) for k in range(2)] + [self._s], axis=1
        )
        self._top = level["vertebrae_T1"]
        self._rise = np.tan(np.deg2rad(spine.rib_rise)) * np.interp(
            self._s, [level["vertebrae_L3"], level["vertebrae_T11"]], [0.0, 1.0]
        )
        rotation = Rotation.from_euler("yxz", np.deg2rad(self._angles(spine, level))).as_matrix()
        stretch = np.interp(
            self._s,
            [level["vertebrae_L2"], level["vertebrae_T10"], level["vertebrae_T3"], level["vertebrae_C5"]],
            [spine.lengths[2], spine.lengths[1], spine.lengths[1], spine.lengths[0] * girth.head],
        )
        steps = np.einsum("sij,sj->si", rotation, np.gradient(self._c, self._s, axis=0)) * stretch[:, None] * _KNOT
        moved = self._c[0] + np.concatenate([np.zeros((1, 3)), np.cumsum((steps[1:] + steps[:-1]) / 2, axis=0)])
        heights = [level[f"vertebrae_{n}"] for n in ("L3", "T9", "T2", "C7")]
        factors = np.ones((len(self._s), 3))
        for axis in range(2):
            regions = [girth.pelvis[axis], girth.waist[axis], girth.chest[axis], girth.shoulders[axis], girth.head]
            factors[:, axis] = _smooth(np.interp(self._s, [level["sacrum"], *heights], regions))
        matrix = rotation * factors[:, None, :]
        self._map = np.concatenate([matrix, (moved - np.einsum("sij,sj->si", matrix, self._c))[:, :, None]], axis=2)
        self._atlas = self._c[-1]
        self._atlas_turn, self._atlas_at = rotation[-1], moved[-1]

    def _angles(self, spine: SpineShape, level: Mapping[str, float]) -> Float[np.ndarray, "s 3"]:
        """Degrees about y, x and z up to each node; about x, positive tilts back."""
        s = self._s
        chest = _ramp(s, level["vertebrae_T12"], level["vertebrae_T1"])
        loin = _ramp(s, level["sacrum"], level["vertebrae_T12"])
        neck = _ramp(s, level["vertebrae_T1"], level["vertebrae_C1"])
        sagittal = spine.lordosis * loin - spine.kyphosis * chest - spine.neck_flexion * neck
        lateral, turn = _lateral_curve(s, level[spine.apex], _CURVE)
        shift = 1.8 * _CURVE if spine.apex.startswith("vertebrae_L") else -1.8 * _CURVE
        if spine.apex in ("vertebrae_T9", "vertebrae_T11"):
            shift = 1.8 * _CURVE
        counter = _lateral_curve(s, level[spine.apex] + shift, _CURVE)[0]
        sideways = spine.cobb * (lateral - spine.counter_curve * counter) + spine.head_tilt * neck
        # Vertebrae turn with the lateral curve, by about 0.4 degrees per degree of it (Stokes 1989).
        axial = 0.4 * spine.cobb * turn + spine.head_turn * neck
        return np.stack([sideways, sagittal, axial], axis=1)

    def place_of(self, name: str) -> _Place:
        """The map that a bone follows."""
        if name in PELVIS:
            return self.pelvis
        if name in _HEAD:
            return self.head
        if name.startswith("rib"):
            return self.rib
        return self.neck if name.startswith("vertebrae_C") else self.chest

    def rib(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """One rib: it turns with its vertebra, nearer to its neighbours or away from them, and stays as thick."""
        return self.chest(vertices, stiff=True)

    def chest(self, vertices: Float[np.ndarray, "vertex 3"], *, stiff: bool = False) -> Float[np.ndarray, "vertex 3"]:
        """Everything between neck and pelvis."""
        spine_y = np.interp(vertices[:, 2], self._s, self._c[:, 1])
        front = np.maximum(vertices[:, 1] - spine_y, 0.0)
        s = np.minimum(vertices[:, 2] + _RIB_FALL * front, self._top)
        if stiff:
            s = s.mean() + _RIB_GIVE * (s - s.mean())
        raised = vertices.copy()
        raised[:, 2] += front * np.interp(s, self._s, self._rise)
        return self._at(s, raised)

    def neck(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """The cervical vertebrae."""
        return self._at(vertices[:, 2], vertices)

    def head(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """What moves with the atlas, unbent."""
        moved: np.ndarray = self._atlas_at + self._head * (vertices - self._atlas) @ self._atlas_turn.T
        return moved

    def pelvis(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """What no bend reaches."""
        moved: np.ndarray = self._c[0] + self._pelvic * (vertices - self._c[0])
        return moved

    def _at(
        self, s: Float[np.ndarray, " vertex"], vertices: Float[np.ndarray, "vertex 3"]
    ) -> Float[np.ndarray, "vertex 3"]:
        position = np.clip((s - self._s[0]) / _KNOT, 0, len(self._s) - 1.001)
        below = position.astype(int)
        share = (position - below)[:, None, None]
        matrix = self._map[below] * (1 - share) + self._map[below + 1] * share
        moved: np.ndarray = np.einsum("vij,vj->vi", matrix[:, :, :3], vertices) + matrix[:, :, 3]
        return moved


def _centre(vertebra: Surface) -> Float[np.ndarray, " 3"]:
    low, high = vertebra.vertices.min(0), vertebra.vertices.max(0)
    return np.array(
        [(low[0] + high[0]) / 2, high[1] - _CENTRE_DEPTH * (high[1] - low[1]), vertebra.vertices[:, 2].mean()]
    )


def _ramp(s: Float[np.ndarray, " s"], start: float, end: float) -> Float[np.ndarray, " s"]:
    t = np.clip((s - start) / (end - start), 0, 1)
    ramp: np.ndarray = t * t * (3 - 2 * t)
    return ramp


def _lateral_curve(s: Float[np.ndarray, " s"], apex: float, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Tilt and turn along a lateral curve, the slope of a smooth bump and the bump: vertebrae differ by 1 in tilt."""
    t = np.clip((s - apex) / half, -1, 1)
    bump = np.cos(np.pi / 2 * t) ** 4
    slope = np.cos(np.pi / 2 * t) ** 3 * np.sin(np.pi / 2 * t)
    return _OVER_VERTEBRAE * slope / (2 * 0.325), bump


def _smooth(values: Float[np.ndarray, " s"], reach: int = 12) -> Float[np.ndarray, " s"]:
    """Corners between nodes rounded over about two vertebrae; the ends stay."""
    kernel = np.hanning(2 * reach + 3)[1:-1]
    padded = np.concatenate([2 * values[0] - values[reach:0:-1], values, 2 * values[-1] - values[-2 : -reach - 2 : -1]])
    smooth: np.ndarray = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return smooth
