"""Bodies of other sizes and shapes than the source's one subject."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from sneakynet.errors import SettingError
from sneakynet.phantom.build import SOURCE_STATURE, Build
from sneakynet.phantom.limbs import CARPALS, SIDES, LimbSize, arm, leg, resized, where
from sneakynet.phantom.spine import Girth, SpineShape, bent
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.warp import warped

_CLEARANCE = 13.0  # mm between an arm's bones and the trunk's: muscle and skin of both
_SACROILIAC = 1.0  # mm; the joint is 2 to 3 mm wide, the symphysis 3 to 6 (Becker et al. 2010)
_ABDUCTION = np.deg2rad(2.5)
_ABDUCTIONS = 12
_BONE_SCALE = {"vertebrae": (0.995, 0.95, 1.015), "hand": (0.98, 0.93, 1.0)}  # mean, least and most


@dataclass(frozen=True)
class ShapeSettings:
    """How bodies of one build differ, and how they lie on the table."""

    proportions: float = 0.035
    """Standard deviation of the width and depth of shoulders, chest, waist and pelvis, beside what sex and weight make
    of them: bony breadths vary by 5 to 7 % among adults, about half of it with stature (Gordon et al. 2014)."""
    limb_length: float = 0.02
    """Standard deviation of each limb segment's length relative to stature (Gordon et al. 2014: 2 to 3 %)."""
    limb_girth: float = 0.035
    """Standard deviation of the limb bones' girth relative to stature (Ruff 2000: shafts vary by 6 to 9 % in all)."""
    asymmetry: float = 0.007
    """Standard deviation between left and right of a limb segment's length and girth; 1 % (Auerbach and Ruff 2006)."""
    head: float = 0.03
    """Standard deviation of head size; head length and breadth vary by 3.5 to 4 % (Gordon et al. 2014)."""
    bone_scale: float = 0.02
    """Standard deviation of single small bones' own size along x, y, z (vertebrae, carpals, phalanges, patellae);
    kept from 0.95 to 1.015 in vertebrae and from 0.93 to 1 in the others, since a bone that grows would grow into its
    neighbours."""
    warp: tuple[tuple[float, float], ...] = ((320.0, 8.0), (130.0, 3.6), (55.0, 1.5), (27.0, 0.6))
    """Lattice pitch and standard deviation in mm of the layers of a smooth random displacement: posture, build, shape
    of bones, detail. Local strains come to 5 % (one standard deviation), as the shape of bones varies after size is
    taken out (Audenaert et al. 2019 for the femur and hip; Clogenson et al. 2015 for C2)."""
    rotation: float = 3.0
    """Standard deviation in degrees of the patient's rotation about each axis: positioning."""
    oblique_share: float = 0.12
    """Share of patients who lie askew: pain, trauma, decubitus cushions. An assumption."""
    oblique: float = 20.0
    """Largest rotation in degrees of those, about a random axis."""

    def __post_init__(self) -> None:
        faults = [
            f"{pitch} mm with {deviation} mm" for pitch, deviation in self.warp if not 0 <= deviation <= 0.06 * pitch
        ]
        if faults:
            msg = f"a warp layer moves by at most 6 % of its pitch, or bones fold into each other; got {faults}"
            raise SettingError(msg)
        if not 0 <= self.oblique_share <= 1:
            msg = f"oblique_share is a share from 0 to 1, got {self.oblique_share}"
            raise SettingError(msg)


@dataclass(frozen=True, eq=False)
class Shape:
    """How one body differs from the source's subject, before it is applied.

    Args:
        scale: of everything.
        girth: of the trunk by region, relative to ``scale``.
        limbs: right and left, relative to ``scale``.
        bone_scale: bone name -> factors along x, y, z about its own centre.
        warp: layers of the smooth displacement.
        warp_seed: its seed.
        rotation: of the whole body in the scanner, rotation vector in radians.
    """

    scale: float
    girth: Girth
    limbs: tuple[LimbSize, LimbSize]
    bone_scale: Mapping[str, tuple[float, float, float]]
    warp: tuple[tuple[float, float], ...]
    warp_seed: int
    rotation: tuple[float, float, float]


def draw_shape(rng: np.random.Generator, names: list[str], build: Build, settings: ShapeSettings) -> Shape:
    """The proportions of one person of a build, bone by bone for ``names``."""
    scale = build.stature / SOURCE_STATURE
    girth = _draw_girth(rng, build, scale, settings)
    # Heads of joints follow their sockets, which are the trunk's.
    pelvis = sum(girth.pelvis) / 2
    shoulders = sum(girth.shoulders) / 2
    slender = 0.955 if build.sex == "female" else 1.0
    arm_girth = min(slender * rng.normal(1, settings.limb_girth), 1.01 * shoulders)
    leg_girth = min(slender * rng.normal(1, settings.limb_girth), 1.01 * pelvis)
    lengths = rng.normal(1, settings.limb_length, 3)
    # Long arms have long forearms, and legs take part of it (allometry): half of the spread is shared.
    lengths += rng.normal(0, settings.limb_length / 2)
    hand = float(np.clip((0.97 if build.sex == "female" else 1.0) * rng.normal(1, 0.03), 0.88, 1.08))
    limbs = []
    for _ in SIDES:
        upper_arm, forearm, thigh = (float(f) for f in lengths * rng.normal(1, settings.asymmetry, 3))
        arm_own, leg_own = (float(f) for f in rng.normal(1, settings.asymmetry, 2))
        limbs.append(
            LimbSize(upper_arm, forearm, hand * arm_own, float(arm_girth) * arm_own, thigh, float(leg_girth) * leg_own)
        )
    small = [name for name in names if _is_small(name)]
    factors = rng.normal(0, settings.bone_scale, (len(small), 3))
    for name, row in zip(small, factors, strict=True):
        mean, low, high = _BONE_SCALE["vertebrae" if name.startswith("vertebrae") else "hand"]
        row[:] = np.clip(mean + row, low, high)
    rotation = np.deg2rad(rng.normal(0, settings.rotation, 3))
    if rng.random() < settings.oblique_share:
        axis = rng.normal(0, 1, 3)
        rotation = np.deg2rad(rng.uniform(-settings.oblique, settings.oblique)) * axis / np.linalg.norm(axis)
    return Shape(
        scale=scale,
        girth=girth,
        limbs=(limbs[0], limbs[1]),
        bone_scale={name: _triple(row) for name, row in zip(small, factors, strict=True)},
        warp=settings.warp,
        warp_seed=int(rng.integers(2**31)),
        rotation=_triple(rotation),
    )


def _draw_girth(rng: np.random.Generator, build: Build, scale: float, settings: ShapeSettings) -> Girth:
    female = build.sex == "female"
    heavy = build.bmi - 25
    old = max(0.0, build.age - 40)
    # The rib cage grows wider and deeper with weight and deeper with age (Gayzik et al. 2008; Shi et al. 2014).
    width = (0.955 if female else 1.0) * (1 + 0.004 * heavy)
    depth = (0.955 if female else 1.0) * (1 + 0.005 * heavy + 0.0008 * old)
    means = np.array(
        [
            [width * 0.985 if female else width, depth],
            [width, depth],
            [(width + 1) / 2, (depth + 1) / 2],
            # Women's pelves are the wider ones relative to stature (Tague 1992).
            [1.035 if female else 1.0, 0.99],
        ]
    )
    # One draw for the whole frame, one per region: broad shoulders come with broad hips more often than not.
    spread = settings.proportions * (0.7 * rng.normal(0, 1, (1, 2)) + 0.7 * rng.normal(0, 1, (4, 2)))
    regions = np.clip(means + spread, 0.86, 1.16)
    # Heads differ little with stature (Gordon et al. 2014), and girths are relative to it.
    head = scale**0.35 * (0.97 if female else 1.0) * rng.normal(1, settings.head) / scale
    shoulders, chest, waist, pelvis = ((float(x), float(y)) for x, y in regions)
    return Girth(float(np.clip(head, 0.88, 1.14)), shoulders, chest, waist, pelvis)


def _is_small(name: str) -> bool:
    return name.startswith(("vertebrae", "phalanx", "metacarpal", "patella", *CARPALS))


def shaped(surfaces: Mapping[str, Surface], shape: Shape, spine: SpineShape) -> dict[str, Surface]:
    """A body of other size and trunk, still upright in the scanner (RAS mm in and out; triangles stay)."""
    out = _with_joints_apart(surfaces)
    for name, factors in shape.bone_scale.items():
        if name in out:
            own = out[name].vertices.mean(0)
            out[name] = out[name].moved(own + (out[name].vertices - own) * np.array(factors))
    for side, size in zip(SIDES, shape.limbs, strict=True):
        out = resized(out, side, size)
    return _with_arms_clear(bent(out, spine, shape.girth))


def _with_joints_apart(surfaces: Mapping[str, Surface]) -> dict[str, Surface]:
    """The hip bones, which the source has in the sacrum and in each other, moved apart with what hangs on them."""
    out = dict(surfaces)
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        for name in (f"hip_{side}", *leg(side)):
            out[name] = out[name].moved(out[name].vertices + np.array([sign * _SACROILIAC, 0.0, 0.0]))
    return out


def placed(surfaces: Mapping[str, Surface], shape: Shape) -> dict[str, Surface]:
    """The body centred on the origin, scaled to its stature, warped, and turned as it lies."""
    low = np.min([surface.vertices.min(0) for surface in surfaces.values()], axis=0)
    high = np.max([surface.vertices.max(0) for surface in surfaces.values()], axis=0)
    centre = (low + high) / 2
    centre[0] = surfaces["sacrum"].vertices[:, 0].mean()  # the midline, from which the warp mirrors
    upright = {name: surface.moved((surface.vertices - centre) * shape.scale) for name, surface in surfaces.items()}
    turn = Rotation.from_rotvec(shape.rotation).as_matrix().T
    bodies = warped(upright, layers=shape.warp, seed=shape.warp_seed)
    return {name: surface.moved(surface.vertices @ turn) for name, surface in bodies.items()}


def _with_arms_clear(surfaces: dict[str, Surface]) -> dict[str, Surface]:
    """Arms that a broad chest or head would reach are turned outwards until they are clear of it."""
    for side in SIDES:
        names = [name for name in arm(side) if name in surfaces]
        near = {*arm("left"), *arm("right"), f"scapula_{side}", f"clavicula_{side}"}
        trunk = np.concatenate([_thinned(s.vertices, 400) for name, s in surfaces.items() if name not in near])
        shoulder = where(surfaces, "shoulder", side)
        points = np.concatenate([_thinned(surfaces[name].vertices, 60) for name in names])
        points = points[np.linalg.norm(points - shoulder, axis=1) > 70]
        raised = points[:, 2].mean() > shoulder[2]
        outwards = _ABDUCTION if (side == "right") == raised else -_ABDUCTION
        turns = 0
        while turns < _ABDUCTIONS and _meet(points, trunk):
            points = Rotation.from_rotvec([0, outwards, 0]).apply(points - shoulder) + shoulder
            turns += 1
        if turns:
            turn = Rotation.from_rotvec([0, outwards * turns, 0])
            for name in names:
                surfaces[name] = surfaces[name].moved(turn.apply(surfaces[name].vertices - shoulder) + shoulder)
    return surfaces


def _meet(points: Float[np.ndarray, "point 3"], others: Float[np.ndarray, "other 3"]) -> bool:
    close = (others > points.min(0) - _CLEARANCE).all(1) & (others < points.max(0) + _CLEARANCE).all(1)
    distance = cKDTree(points).query(others[close], distance_upper_bound=_CLEARANCE)[0]
    return bool(np.isfinite(distance).any())


def _thinned(vertices: Float[np.ndarray, "vertex 3"], points: int) -> Float[np.ndarray, "point 3"]:
    return vertices[:: max(1, len(vertices) // points)]


def _triple(values: Float[np.ndarray, " 3"]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
