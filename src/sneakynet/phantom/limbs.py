"""Arms and legs: their joints, and lengths and girths other than the source's one subject has."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from sneakynet.phantom.skeleton import Skeleton, skeleton
from sneakynet.phantom.surface import Surface

SIDES = ("right", "left")
Joint = tuple[str, str]
"""Name and side: ("elbow", "left")."""

CARPALS = ("scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate")
_THIN_VERTICES = 600
_JOINTS = ("shoulder", "elbow", "wrist", "hip", "knee")


def hand(side: str) -> tuple[str, ...]:
    """Names of one hand's bones."""
    fingers = range(1, 6)
    return (
        *(f"{carpal}_{side}" for carpal in CARPALS),
        *(f"metacarpal_{side}_{n}" for n in fingers),
        *(f"phalanx_proximal_{side}_{n}" for n in fingers),
        *(f"phalanx_middle_{side}_{n}" for n in fingers if n > 1),
        *(f"phalanx_distal_{side}_{n}" for n in fingers),
    )


def forearm(side: str) -> tuple[str, ...]:
    """Names of one forearm's bones."""
    return f"radius_{side}", f"ulna_{side}"


def lower_leg(side: str) -> tuple[str, ...]:
    """Names of what one thigh carries."""
    return f"patella_{side}", f"{side[0]}_tibia", f"{side[0]}_fibula"


def arm(side: str) -> tuple[str, ...]:
    """Names of one arm's bones, from the shoulder joint on."""
    return f"humerus_{side}", *forearm(side), *hand(side)


def leg(side: str) -> tuple[str, ...]:
    """Names of one leg's bones, from the hip joint on."""
    return f"femur_{side}", *lower_leg(side)


def where(surfaces: Mapping[str, Surface], joint: str, side: str, *, thinned: bool = False) -> Float[np.ndarray, " 3"]:
    """Centre of a joint (shoulder, elbow, wrist, hip, knee) in whatever pose the surfaces are.

    Args:
        surfaces: of :func:`skeleton`, however moved.
        joint: its name.
        side: right or left.
        thinned: the surfaces are :func:`thin_skeleton`'s.
    """
    bone, vertices = _joint_vertices(thinned=thinned)[joint, side]
    centre: np.ndarray = surfaces[bone].vertices[vertices].mean(0)
    return centre


@cache
def thin_skeleton() -> Skeleton:
    """The skeleton with a few vertices per bone, to try poses on: posing it takes a tenth of the time.

    The triangles are not those of the vertices: only the vertices mean anything.
    """
    thin = copy(skeleton())
    parts = []
    for part in thin.parts:
        step = max(1, len(part.surface.vertices) // _THIN_VERTICES)
        parts.append(replace(part, surface=part.surface.moved(part.surface.vertices[::step])))
    thin.parts = tuple(parts)
    return thin


@cache
def _joint_vertices(*, thinned: bool) -> dict[Joint, tuple[str, Int[np.ndarray, " n"]]]:
    """The vertices around each joint: found at rest, where all limbs hang straight down, and true in every pose."""
    rest = (thin_skeleton() if thinned else skeleton()).posed({})
    middle = rest["sacrum"].vertices[:, 0].mean()
    found: dict[Joint, tuple[str, np.ndarray]] = {}
    for side in SIDES:
        for joint, (bone, at_top, mm) in {
            "shoulder": ("humerus", True, 42),
            "elbow": ("humerus", False, 25),
            "wrist": ("radius", False, 10),
            "hip": ("femur", True, 48),
            "knee": ("femur", False, 35),
        }.items():
            vertices = rest[f"{bone}_{side}"].vertices
            height = vertices[:, 2]
            near = height > height.max() - mm if at_top else height < height.min() + mm
            if joint == "hip":  # the head, without the greater trochanter beside it
                lateral = np.abs(vertices[:, 0] - middle)
                near &= lateral < lateral[near].min() + mm
            found[joint, side] = f"{bone}_{side}", np.flatnonzero(near)
    return found


@dataclass(frozen=True)
class LimbSize:
    """Factors on one side's limbs.

    Args:
        upper_arm: length of the humerus.
        forearm: length of radius and ulna.
        hand: size of the hand, all directions.
        arm_girth: girth of humerus, radius and ulna.
        thigh: length of the femur.
        leg_girth: girth of femur and lower leg.
    """

    upper_arm: float
    forearm: float
    hand: float
    arm_girth: float
    thigh: float
    leg_girth: float


def resized(surfaces: Mapping[str, Surface], side: str, size: LimbSize) -> dict[str, Surface]:
    """All surfaces, one side's limbs with other lengths and girths; joints stay joined."""
    out = dict(surfaces)
    shoulder, elbow, wrist, hip, knee = (where(surfaces, joint, side) for joint in _JOINTS)
    at_elbow = elbow + (size.upper_arm - 1) * (elbow - shoulder)
    at_wrist = wrist + (at_elbow - elbow) + (size.forearm - 1) * (wrist - elbow)
    at_knee = knee + (size.thigh - 1) * (knee - hip)
    segments: Iterable[tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray, float, float]] = (
        ((f"humerus_{side}",), shoulder, elbow, shoulder, size.upper_arm, size.arm_girth),
        (forearm(side), elbow, wrist, at_elbow, size.forearm, size.arm_girth),
        (hand(side), wrist, elbow, at_wrist, size.hand, size.hand),
        ((f"femur_{side}",), hip, knee, hip, size.thigh, size.leg_girth),
        (lower_leg(side), knee, hip, at_knee, size.leg_girth, size.leg_girth),
    )
    for names, start, end, to, along, across in segments:
        axis = (end - start) / np.linalg.norm(end - start)
        matrix = across * np.eye(3) + (along - across) * np.outer(axis, axis)
        for name, surface in _present(out, names):
            out[name] = surface.moved((surface.vertices - start) @ matrix + to)
    return out


def _present(surfaces: Mapping[str, Surface], names: Iterable[str]) -> Iterator[tuple[str, Surface]]:
    for name in names:
        if name in surfaces:
            yield name, surfaces[name]
