"""C1 to L5 in their places: solids of ``vertebra_shape`` along the source's own spine."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from sneakynet.phantom.implicit import Point, Points, contoured, lattice
from sneakynet.phantom.surface import Surface
from sneakynet.phantom.vertebra_shape import (
    VertebraShape,
    atlas_dens,
    atlas_solid,
    axis_solid,
    dens_ahead,
    vertebra_shapes,
    vertebra_solid,
)

_SPACING = 2.2  # mm: fine enough for a 5 mm pedicle; all 24 take about 0.3 s
_JOINT_GAP = 1.4  # mm left between neighbours wherever their solids would meet
_ATLAS_HALF, _AXIS_HALF = 9.0, 8.5  # mm: half heights of the lateral mass and of the axis's body
_ANCHORS = ("T1", "T12", "L5")  # with the skull's condyles: where published and the source's places agree
# Mm all round: the tables measure between calipers, and CT masks of the same levels hold more (VerSe, Sekuboyina et al.
# 2021, and TotalSegmentator, Wasserthal et al. 2023: 45 to 75 ml at L1 to L5), most of it at processes and rims.
_FULLER = {
    **{f"C{n}": 0.45 for n in range(1, 6)},
    **{"C6": 0.55, "C7": 0.65},
    **{f"T{n}": 0.68 + 0.04 * n for n in range(1, 13)},
    **{"L1": 1.25, "L2": 1.3, "L3": 1.3, "L4": 1.25, "L5": 0.9},
}
_NEAR = 2.0  # mm: farther outside than this no neighbour can cut


@dataclass(frozen=True, eq=False)
class Vertebra:
    """A vertebra in its place.

    Args:
        name: C1 to L5.
        origin: middle of its body (C1: of its ring), RAS mm.
        tilt: by which its z axis leans to the front, radians.
        scale: factor on the table's heights.
        shape: its measures, heights scaled; those of C3 for C1 and C2, which have solids of their own.
        below: the measures of the next one.
    """

    name: str
    origin: Float[np.ndarray, " 3"]
    tilt: float
    scale: float
    shape: VertebraShape
    below: VertebraShape

    def to_world(self, local: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Points of the vertebra's frame in RAS mm."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        x, y, z = local.T
        world: np.ndarray = self.origin + np.stack([x, y * cos + z * sin, z * cos - y * sin], axis=1)
        return world

    def to_local(self, points: Points) -> Points:
        """RAS mm in the vertebra's frame, folded onto its right half."""
        cos, sin = np.float32(np.cos(self.tilt)), np.float32(np.sin(self.tilt))
        x, y, z = (p - np.float32(o) for p, o in zip(points, self.origin, strict=True))
        return np.abs(x), y * cos - z * sin, y * sin + z * cos

    def solid(self, points: Points) -> np.ndarray:
        """Signed distance, points in its own frame (right half)."""
        if self.name == "C1":
            bare = atlas_solid(points, scale=self.scale)
        elif self.name == "C2":
            bare = axis_solid(self.below, points, scale=self.scale)
        else:
            bare = vertebra_solid(self.shape, self.below, points)
        return bare - _FULLER[self.name]

    def box(self) -> tuple[Point, Point]:
        """What its right half fits into, in its own frame."""
        if self.name == "C1":
            return (0.0, -28.0, -14.0), (43.0, 24.0, 14.0)
        if self.name == "C2":
            return (0.0, -48.0, -24.0), (31.0, 11.0, 31.0)
        shape, fuller = self.shape, _FULLER[self.name]
        behind = shape.depth / 2 + shape.canal_depth
        down = np.deg2rad(shape.spinous_down)
        tip = 0.35 * shape.lamina_height + shape.spinous_length * np.sin(down) + shape.spinous_height / 2
        low = max(tip, shape.height / 2 + self.below.disc + self.below.joint_size)
        high = shape.height / 2 + shape.joint_up + shape.joint_size + 3
        back = behind + max(shape.spinous_length * np.cos(down), 12.0) + 4
        back, low, high = (float(reach) + fuller for reach in (back, low, high))
        return (0.0, -back, -low), (shape.transverse_width / 2 + 2 + fuller, shape.depth / 2 + 2 + fuller, high)


def place_vertebrae(centres: Mapping[str, Float[np.ndarray, " 3"]], *, top: Float[np.ndarray, " 3"]) -> list[Vertebra]:
    """C1 to L5 along the curve of a spine, at distances as published for bodies and discs.

    The curve, its length and the places of T1, T12 and L5 are the source's; the distances between are not, as its
    neck is short and its lumbar levels grow too fast.

    Args:
        centres: middles of the bodies from C2 to L5, RAS mm.
        top: between the skull's condyles.
    """
    levels = list(centres)
    source = np.stack([top, *centres.values()])[:, 1:]
    # The source's bodies stand up to 3 mm off a smooth curve.
    source[2:-1] = (source[1:-2] + 2 * source[2:-1] + source[3:]) / 4
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(source, axis=0), axis=1))])
    curve = CubicSpline(at, source)
    x = float(np.median([centre[0] for centre in centres.values()]))

    shapes = vertebra_shapes()
    names = ["C1", *levels]
    published = _published_places(names, shapes)
    anchors = [0, *(1 + names.index(level) for level in _ANCHORS)]
    fixed = at[[0, *(1 + levels.index(level) for level in _ANCHORS)]]
    scales = np.diff(fixed) / np.diff(published[anchors])
    places = np.interp(published, published[anchors], fixed)
    scale = {name: float(scales[np.searchsorted(anchors, n + 1) - 1]) for n, name in enumerate(names)}
    scaled = {level: _scaled(shape, scale.get(level, scale["L5"])) for level, shape in shapes.items()}

    placed: list[Vertebra] = []
    for n, name in reversed(list(enumerate(names))):
        (y, z), slope = curve(places[n + 1]), curve(places[n + 1], 1)
        origin, tilt = np.array([x, y, z]), float(np.arctan2(-slope[0], -slope[1]))
        if name == "C1":
            axis = placed[-1]
            ahead = dens_ahead() - atlas_dens()
            up = _published_step("C1", "C2", shapes) * axis.scale
            origin, tilt = axis.to_world(np.array([[0.0, ahead, up]]))[0], axis.tilt
        below = scaled["S1" if name == "L5" else names[max(n + 1, 2)]]
        placed.append(Vertebra(name, origin, tilt, scale[name], scaled.get(name, scaled["C3"]), below))
    return placed[::-1]


def vertebra_surfaces(column: list[Vertebra]) -> Iterator[tuple[str, Surface]]:
    """Names and closed surfaces, RAS mm; neighbours keep a joint's gap."""
    for n, vertebra in enumerate(column):
        points, start = lattice(*vertebra.box(), spacing=_SPACING, half=True)
        field = vertebra.solid(points)
        near = field < _NEAR
        x, y, z = (np.broadcast_to(p, field.shape)[near] for p in points)
        if n:
            field[near] = _parted(vertebra, column[n - 1], field[near], (x, y, z))
        if n + 1 < len(column):
            field[near] = _parted(vertebra, column[n + 1], field[near], (x, y, z))
        local = contoured(field, origin=start, spacing=_SPACING, half=True)
        yield f"vertebrae_{vertebra.name}", local.moved(vertebra.to_world(local.vertices))


def _parted(own: Vertebra, other: Vertebra, field: np.ndarray, points: Points) -> np.ndarray:
    """The solid kept to the side of the middle between it and its neighbour that is its own."""
    world = own.to_world(np.stack(points, axis=1)).astype(np.float32)
    theirs = other.solid(other.to_local((world[:, 0], world[:, 1], world[:, 2])))
    kept: np.ndarray = np.maximum(field, (field - theirs + _JOINT_GAP) / 2)
    return kept


def _published_step(upper: str, lower: str, shapes: Mapping[str, VertebraShape]) -> float:
    if upper == "C1":
        return _ATLAS_HALF + _JOINT_GAP + _AXIS_HALF
    half = _AXIS_HALF if upper == "C2" else shapes[upper].height / 2
    return half + shapes[lower].disc + shapes[lower].height / 2


def _published_places(names: list[str], shapes: Mapping[str, VertebraShape]) -> np.ndarray:
    steps = [_published_step(upper, lower, shapes) for upper, lower in itertools.pairwise(names)]
    return np.cumsum([0.0, _JOINT_GAP + _ATLAS_HALF, *steps])


def _scaled(shape: VertebraShape, factor: float) -> VertebraShape:
    heights = ("height_back", "height_front", "disc", "pedicle_height", "lamina_height", "joint_up")
    return replace(shape, **{name: getattr(shape, name) * factor for name in heights})
