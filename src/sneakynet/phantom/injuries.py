"""Broken limb bones and ribs, and limbs of which parts are missing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from sneakynet.errors import SettingError
from sneakynet.phantom.limbs import CARPALS, SIDES, arm, forearm, hand, leg, lower_leg
from sneakynet.phantom.surface import Surface, clipped

_LONG = ("humerus", "radius", "ulna", "femur", "clavicula")
_RIBS = range(2, 12)
_CUT = {
    "upper arm": ("humerus",),
    "forearm": ("radius", "ulna"),
    "thigh": ("femur",),
}
_STUMP = (0.2, 0.8)  # of the bone's length that is left


@dataclass(frozen=True)
class InjurySettings:
    """How often bones are broken or missing: shares of people, drawn more often than they occur."""

    long_bone_fracture: float = 0.05
    """Share with a broken humerus, radius, ulna, femur or clavicle: these are 1 to 2 % a year in the old (Court-Brown
    and Caesar 2006) and the reason for many a scan."""
    rib_fractures: float = 0.07
    """Share with broken ribs: 10 % of all injured patients (Ziegler and Agarwal 1994)."""
    displacement: tuple[float, float] = (1.0, 9.0)
    """Mm between the fragments, ribs half; more than a shaft's width is rare (Court-Brown and Caesar 2006)."""
    angulation: float = 18.0
    """Largest angle in degrees between the fragments; above 20 to 30 they are set (Court-Brown and Caesar 2006)."""
    missing_arm: float = 0.01
    """Share with an arm or forearm taken off; 0.05 % of adults (Ziegler-Graham et al. 2008)."""
    missing_leg: float = 0.015
    """Share with a thigh taken off; 0.2 % of adults have lost some of a leg (Ziegler-Graham et al. 2008)."""
    missing_fingers: float = 0.02
    """Share with parts of fingers missing: 0.15 % of adults (Ziegler-Graham et al. 2008)."""

    def __post_init__(self) -> None:
        shares = ("long_bone_fracture", "rib_fractures", "missing_arm", "missing_leg", "missing_fingers")
        faults = {name: getattr(self, name) for name in shares if not 0 <= getattr(self, name) <= 1}
        if faults:
            msg = f"rates of injuries are shares from 0 to 1, got {faults}"
            raise SettingError(msg)


@dataclass(frozen=True)
class Fracture:
    """A broken bone.

    Args:
        bone: its name.
        at: where, as a share of its length from the trunk.
        slant: of the break, in radians from straight across, about two axes.
        shift: of the far fragment, mm.
        turn: of the far fragment, rotation vector in radians.
    """

    bone: str
    at: float
    slant: tuple[float, float]
    shift: tuple[float, float, float]
    turn: tuple[float, float, float]


@dataclass(frozen=True)
class Injuries:
    """What one person's bones have suffered.

    Args:
        fractures: broken bones.
        cut: bone -> share of its length that is left; what hangs on it is gone.
        missing: bones that are gone.
    """

    fractures: tuple[Fracture, ...]
    cut: Mapping[str, float]
    missing: tuple[str, ...]


def draw_injuries(rng: np.random.Generator, settings: InjurySettings) -> Injuries:
    """What one person's bones have suffered."""
    fractures = []
    if rng.random() < settings.long_bone_fracture:
        bone = f"{rng.choice(_LONG)}_{rng.choice(SIDES)}"
        fractures.append(_draw_fracture(rng, bone, settings, scale=1.0))
    if rng.random() < settings.rib_fractures:
        side = rng.choice(SIDES)
        first = int(rng.integers(_RIBS.start, _RIBS.stop))
        for n in range(first, min(first + int(rng.integers(1, 6)), _RIBS.stop)):
            fractures.append(_draw_fracture(rng, f"rib_{side}_{n}", settings, scale=0.5))
    cut: dict[str, float] = {}
    missing: list[str] = []
    side = str(rng.choice(SIDES))
    if rng.random() < settings.missing_arm:
        kind = str(rng.choice(["upper arm", "forearm"]))
        cut |= dict.fromkeys([f"{bone}_{side}" for bone in _CUT[kind]], float(rng.uniform(*_STUMP)))
        missing += [*hand(side), *(forearm(side) if kind == "upper arm" else ())]
    elif rng.random() < settings.missing_fingers:
        missing += _draw_fingers(rng, side)
    if rng.random() < settings.missing_leg:
        side = str(rng.choice(SIDES))
        cut[f"femur_{side}"] = float(rng.uniform(*_STUMP))
        missing += lower_leg(side)
    return Injuries(tuple(f for f in fractures if f.bone not in cut), cut, tuple(missing))


def _draw_fracture(rng: np.random.Generator, bone: str, settings: InjurySettings, *, scale: float) -> Fracture:
    direction, axis = rng.normal(0, 1, (2, 3))
    shift = scale * rng.uniform(*settings.displacement) * direction / np.linalg.norm(direction)
    turn = scale * np.deg2rad(rng.uniform(0, settings.angulation)) * axis / np.linalg.norm(axis)
    slants = rng.normal(0, 0.4, 2).clip(-0.9, 0.9)
    return Fracture(
        bone,
        float(rng.uniform(0.2, 0.8)),
        (float(slants[0]), float(slants[1])),
        (float(shift[0]), float(shift[1]), float(shift[2])),
        (float(turn[0]), float(turn[1]), float(turn[2])),
    )


def _draw_fingers(rng: np.random.Generator, side: str) -> list[str]:
    gone = []
    for finger in rng.choice(5, size=int(rng.integers(1, 4)), replace=False) + 1:
        parts = ["distal", "proximal"] if finger == 1 else ["distal", "middle", "proximal"]
        gone += [f"phalanx_{part}_{side}_{finger}" for part in parts[: int(rng.integers(1, len(parts) + 1))]]
    return gone


def with_injuries(surfaces: Mapping[str, Surface], injuries: Injuries) -> dict[str, Surface]:
    """The skeleton with broken and missing bones (RAS mm)."""
    out = dict(surfaces)
    for fracture in injuries.fractures:
        if fracture.bone in out:
            out = _broken(out, fracture)
    for bone, left in injuries.cut.items():
        start, end = _ends(out, bone)
        out[bone] = clipped(out[bone], point=start + left * (end - start), normal=start - end)
    for bone in injuries.missing:
        out.pop(bone, None)
    return out


def _broken(surfaces: dict[str, Surface], fracture: Fracture) -> dict[str, Surface]:
    """Both fragments keep the bone's name, and what hangs on the far one moves with it."""
    start, end = _ends(surfaces, fracture.bone)
    axis = (end - start) / np.linalg.norm(end - start)
    across = np.cross(axis, [0.0, 1.0, 0.0] if abs(axis[1]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    a, b = np.tan(fracture.slant)
    normal = axis + a * across + b * np.cross(axis, across)
    normal /= np.linalg.norm(normal)
    point = start + fracture.at * (end - start)
    if fracture.bone.startswith("rib"):  # ribs are bent: where the break is, not where the chord is
        point = _on(surfaces[fracture.bone], point)
        normal = _direction(surfaces[fracture.bone], point, end - start)
    turn, shift = Rotation.from_rotvec(fracture.turn), np.array(fracture.shift)

    def displaced(surface: Surface) -> Surface:
        return surface.moved(turn.apply(surface.vertices - point) + point + shift)

    near = clipped(surfaces[fracture.bone], point=point, normal=-normal)
    far = clipped(surfaces[fracture.bone], point=point, normal=normal)
    if len(near.faces) == 0 or len(far.faces) == 0:
        return surfaces
    out = dict(surfaces) | {fracture.bone: joined(near, displaced(far))}
    for name in _beyond(fracture.bone):
        if name in out:
            out[name] = displaced(out[name])
    return out


def joined(first: Surface, second: Surface) -> Surface:
    """Two surfaces as one of two pieces."""
    faces = np.concatenate([first.faces, second.faces + len(first.vertices)])
    return Surface(np.concatenate([first.vertices, second.vertices]), faces)


def _beyond(bone: str) -> tuple[str, ...]:
    kind, _, side = bone.partition("_")
    if kind == "humerus":
        return arm(side)[1:]
    if kind == "radius":  # the hand hangs on it; a broken ulna moves nothing else
        return hand(side)
    return leg(side)[1:] if kind == "femur" else ()


def _ends(surfaces: Mapping[str, Surface], bone: str) -> tuple[np.ndarray, np.ndarray]:
    """The two ends of a long bone, the one nearer to the trunk first."""
    vertices = surfaces[bone].vertices
    centre = vertices.mean(0)
    first = vertices[np.linalg.norm(vertices - centre, axis=1).argmax()]
    second = vertices[np.linalg.norm(vertices - first, axis=1).argmax()]
    root = _root(surfaces, bone)
    near, far = sorted((first, second), key=lambda end: float(np.linalg.norm(end - root)))
    return near, far


def _root(surfaces: Mapping[str, Surface], bone: str) -> Float[np.ndarray, " 3"]:
    kind, _, side = bone.partition("_")
    if kind == "rib":
        number = bone.rsplit("_", 1)[1]
        neighbour = f"vertebrae_T{number}"
    else:
        neighbours = {"humerus": f"scapula_{side}", "femur": f"hip_{side}", "clavicula": "sternum"}
        neighbour = neighbours.get(kind, f"humerus_{side}")
    root: np.ndarray = surfaces[neighbour].vertices.mean(0)
    if kind in ("radius", "ulna"):  # the end at the elbow, not at the shoulder
        wrist = np.concatenate([surfaces[f"{c}_{side}"].vertices for c in CARPALS]).mean(0)
        far = surfaces[bone].vertices
        root = far[np.linalg.norm(far - wrist, axis=1).argmax()]
    return root


def _on(rib: Surface, near: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """The middle of the rib's section nearest to a point."""
    distance = np.linalg.norm(rib.vertices - near, axis=1)
    closest = rib.vertices[distance.argmin()]
    section = np.linalg.norm(rib.vertices - closest, axis=1) < 12
    middle: np.ndarray = rib.vertices[section].mean(0)
    return middle


def _direction(rib: Surface, at: Float[np.ndarray, " 3"], forward: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """The rib's course at a point."""
    near = rib.vertices[np.linalg.norm(rib.vertices - at, axis=1) < 25] - at
    course: np.ndarray = np.linalg.svd(near, full_matrices=False)[2][0]
    return course if course @ forward > 0 else -course
