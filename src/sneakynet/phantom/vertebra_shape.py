"""The shape of each vertebra: measures by level, and the solid they describe.

The source's own vertebrae are three meshes of some 200 corners, scaled: C3 and T6 differ in size, hardly in shape.
Here every level has its own body, canal, pedicles, laminae, joints and processes, and each measure runs smoothly down
the column, so that a level differs a little from its neighbours and much from those far away.

Sources of ``vertebrae.csv`` (mm and degrees; means of adults, both sexes, rounded and smoothed along the column):
body heights, widths and depths, canal and pedicles after Panjabi et al., Spine 16:861 (1991, cervical),
Spine 16:888 (1991, thoracic) and Spine 17:299 (1992, lumbar); front heights from the wedge angles of Masharawi et al.,
Anat Rec 268:57 (2002) [thoracic] and Gilad & Nissan, Spine 11:154 (1986) [cervical, lumbar]; disc heights after the
latter and Kunkel et al., J Anat 219:375 (2011); joint directions after Panjabi et al., Spine 18:1298 (1993);
transverse and spinous processes and joint places after Gray's Anatomy (41st ed.), checked against CT masks of two
spines. Axis and atlas after Doherty & Heggeness, Spine 19:2497 (1994), 20:2497 (1995).

A vertebra's frame: origin in the middle of the body, x to the right, y to the front, z up the column.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from sneakynet.phantom.implicit import Point, Points, bar, ellipsoid, united, without

UP: Point = (0.0, 0.0, 1.0)
_FACET_THICKNESS = 2.4  # half, mm
_JOINT_GAP = 1.6  # mm of cartilage between two bony facets
_DENS_RADIUS = 5.3
_DENS_AHEAD = 1.0  # the dens stands a little in front of the middle of the axis's body
_ATLAS_ARCH = 16.6  # dens's middle line in front of the atlas's origin is this less arch, gap and dens radius


@dataclass(frozen=True)
class VertebraShape:
    """Measures of one vertebra from C3 to L5, mm and degrees; the table's columns, in its order."""

    level: str
    """C3 to L5; S1 holds the joint between L5 and the sacrum only."""
    height_back: float
    """Of the body, at the canal."""
    height_front: float
    """Of the body, at its front."""
    width_up: float
    """Of the upper endplate."""
    width_low: float
    """Of the lower endplate."""
    depth_up: float
    """Of the upper endplate, front to back."""
    depth_low: float
    """Of the lower endplate, front to back."""
    disc: float
    """Height of the disc above."""
    canal_width: float
    """Of the spinal canal."""
    canal_depth: float
    """Of the spinal canal, front to back."""
    pedicle_width: float
    """Seen from above."""
    pedicle_height: float
    """Seen from the side."""
    transverse_width: float
    """From tip to tip of the transverse processes."""
    transverse_back: float
    """Of their tips behind the body's back wall."""
    transverse_up: float
    """Of their tips above the middle of the body."""
    spinous_length: float
    """From the canal's back wall to the tip."""
    spinous_down: float
    """Degrees below the endplates' plane."""
    spinous_height: float
    """Of its section, seen from the side."""
    lamina_height: float
    """Seen from behind."""
    joint_x: float
    """From the middle line to the joint with the vertebra above."""
    joint_back: float
    """Of that joint behind the body's back wall."""
    joint_up: float
    """Of that joint above the upper endplate."""
    joint_azimuth: float
    """0: in a frontal plane, 90: in a sagittal one, facing inwards."""
    joint_slope: float
    """90: upright, 0: level."""
    joint_size: float
    """Half the facet's height."""
    foramen: float
    """Share of a full transverse foramen (for the vertebral artery)."""

    @property
    def height(self) -> float:
        """Of the body, in its middle."""
        return (self.height_back + self.height_front) / 2

    @property
    def depth(self) -> float:
        """Of the body, in its middle."""
        return (self.depth_up + self.depth_low) / 2


@cache
def vertebra_shapes() -> dict[str, VertebraShape]:
    """The table ``vertebrae.csv`` by level, from C3 to L5 and S1."""
    path = Path(__file__).parent / "vertebrae.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            VertebraShape(level=row.pop("level"), **{key: float(value) for key, value in row.items()})
            for row in csv.DictReader(file)
        ]
    return {shape.level: shape for shape in rows}


def vertebra_solid(shape: VertebraShape, below: VertebraShape, points: Points) -> np.ndarray:
    """Signed distance to a vertebra from C3 to L5.

    Args:
        shape: its measures.
        below: those of the next one, with which it shares a joint.
        points: in the vertebra's frame; right half only (x >= 0), the left mirrors it.
    """
    back = -shape.depth / 2
    canal = (0.0, back - shape.canal_depth / 2 + 0.5, 0.0)
    behind = back - shape.canal_depth  # of the canal
    beside = shape.canal_width / 2 + shape.pedicle_width / 2
    blend = 2.5 + 0.05 * shape.height

    pedicle_z = 0.45 * (shape.height - shape.pedicle_height) + 0.5
    root: Point = (beside, back - 0.45 * shape.canal_depth, pedicle_z - 1.0)
    width = min(shape.width_up, shape.width_low)
    pedicle = bar(
        points,
        (min(width / 2 - 3.0, beside), back + 4.0, pedicle_z),
        root,
        radius=shape.pedicle_width / 2,
        across=UP,
        radius_across=shape.pedicle_height / 2,
    )
    lamina_z = pedicle_z - 0.25 * shape.lamina_height
    lamina = bar(
        points,
        (beside - 0.5, back - 0.55 * shape.canal_depth - 1.0, lamina_z),
        (0.0, behind - 2.2, lamina_z - 1.5),
        radius=3.2,
        across=UP,
        radius_across=shape.lamina_height / 2,
    )
    above_joint = _joint(shape, shape.height / 2)
    below_joint = _joint(below, shape.height / 2 - shape.height - below.disc)
    size = shape.joint_size
    processes = [
        pedicle,
        lamina,
        _spinous(shape, points, behind=behind, z=lamina_z),
        _transverse(shape, points, root=root, back=back),
        *_facet(points, root, above_joint, shape, sign=-1.0, size=size),
        *_facet(points, (beside, root[1] - 2.0, lamina_z), below_joint, below, sign=1.0, size=below.joint_size),
    ]
    solid = united(_body(shape, points), *processes, blend=blend)
    # Everything else ends at the canal's wall.
    hole = _oval(points, canal, shape.canal_width / 2, shape.canal_depth / 2)
    solid = without(solid, hole, blend=1.5)
    if shape.foramen > 0:
        artery = (width / 2 + 4.8, back + 4.5, 0.0)
        solid = without(solid, _oval(points, artery, 3.1 * shape.foramen, 2.8 * shape.foramen), blend=1.0)
    return solid


def upper_facets(shape: VertebraShape, above: VertebraShape, points: Points) -> tuple[np.ndarray, np.ndarray]:
    """The upper articular process of ``shape`` (for the sacrum: row S1), in the frame of the vertebra above it."""
    joint = _joint(shape, -above.height / 2 - shape.disc)
    root: Point = (joint[0] + 1.0, joint[1] + 9.0, joint[2] - 22.0)
    return _facet(points, root, joint, shape, sign=-1.0, size=shape.joint_size)


def axis_solid(below: VertebraShape, points: Points, *, scale: float) -> np.ndarray:
    """Signed distance to C2, whose dens reaches into the ring of C1. Origin: the middle of its body.

    Args:
        below: the measures of C3.
        points: right half, in the frame of C2.
        scale: of its heights, which are 17 mm for the body and 38 mm with the dens.
    """
    half, back, canal_depth = 8.5 * scale, -7.8, 17.0
    behind = back - canal_depth
    body = _cylinder(points, (9.0, 8.6), (8.0, 7.6), (-half, half), (0.06, 0.06))
    dens = bar(
        points,
        (0.0, _DENS_AHEAD, 0.0),
        (0.0, _DENS_AHEAD, 28.5 * scale - _DENS_RADIUS),
        radius=_DENS_RADIUS,
        across=(0.0, 1.0, 0.0),
        radius_across=_DENS_RADIUS,
    )
    # The shoulders carry the atlas and slope outwards.
    shoulder = ellipsoid(points, (14.5, -0.5, half - 3.8), (9.0, 8.5, 3.8), _turned("y", 18.0))
    pillar = bar(
        points, (15.0, -3.0, half - 5.0), (18.0, back - 5.0, -half + 4.0), radius=4.6, across=UP, radius_across=5.2
    )
    lamina = bar(points, (17.0, back - 7.0, -2.0), (0.0, behind - 2.8, -3.5), radius=3.0, across=UP, radius_across=6.5)
    spinous = united(
        bar(points, (0.0, behind - 2.0, -3.5), (0.0, behind - 13.0, -7.5), radius=4.2, across=UP, radius_across=6.0),
        bar(points, (0.0, behind - 10.0, -6.5), (4.5, behind - 16.0, -9.5), radius=3.0, across=UP, radius_across=3.5),
        blend=3.0,
    )
    transverse = bar(points, (15.0, -5.0, -1.0), (25.5, -7.0, -4.0), radius=2.8, across=UP, radius_across=3.8)
    joint = _joint(below, -half - below.disc * scale, back=back)
    facet = _facet(points, (17.5, back - 6.0, -3.0), joint, below, sign=1.0, size=below.joint_size)
    solid = united(body, dens, shoulder, pillar, lamina, spinous, transverse, *facet, blend=3.0)
    solid = without(solid, _oval(points, (0.0, back - canal_depth / 2 + 0.5, 0.0), 12.0, canal_depth / 2), blend=1.5)
    return without(solid, _oval(points, (18.5, -3.0, 0.0), 2.9, 2.9), blend=1.0)


def atlas_solid(points: Points, *, scale: float) -> np.ndarray:
    """Signed distance to C1, a ring without a body. Origin: the middle of the ring.

    Args:
        points: right half, in the frame of C1.
        scale: of its heights, which are 19 mm for the lateral mass.
    """
    x, y, z = points
    # Two half ellipses make the ring's middle line: the front arch is flatter than the back one.
    depth = np.where(y > 0, _ATLAS_ARCH + 2.6, 19.5)
    reach = np.sqrt((x / 19.0) ** 2 + (y / depth) ** 2)
    off = (reach - 1) * 0.5 * (depth + 17.0)
    thick, tall = np.where(y > 0, 3.0, 3.2), np.where(y > 0, 5.0, 4.2)
    ring = (np.sqrt((off / thick) ** 2 + (z / tall) ** 2) - 1) * 3.0
    mass = ellipsoid(points, (17.5, 3.0, 0.0), (6.8, 10.5, 9.0 * scale), _turned("z", 20.0))
    transverse = bar(points, (20.0, 1.0, -1.0), (36.5, -3.5, -2.0), radius=4.2, across=UP, radius_across=4.4)
    solid = united(ring, mass, transverse, blend=3.0)
    solid = without(solid, _oval(points, (27.5, -1.0, 0.0), 3.3, 3.0), blend=1.0)
    # The dens and the cord stay free.
    solid = without(solid, _oval(points, (0.0, atlas_dens(), 0.0), _DENS_RADIUS + 1.6, _DENS_RADIUS + 1.4), blend=1.0)
    return without(solid, _oval(points, (0.0, -6.5, 0.0), 13.0, 9.5), blend=1.0)


def atlas_dens() -> float:
    """How far in front of the atlas's origin the dens stands, mm."""
    return _ATLAS_ARCH - 1.4 - _DENS_RADIUS


def dens_ahead() -> float:
    """How far in front of the middle of the axis's body its dens stands, mm."""
    return _DENS_AHEAD


def _body(shape: VertebraShape, points: Points) -> np.ndarray:
    half_back, half_front = shape.height_back / 2, shape.height_front / 2
    slope = (half_front - half_back) / shape.depth
    cervical = max(0.0, min(1.0, shape.foramen))
    _, y, _ = points
    half = shape.height / 2 + slope * y
    rim = 2.6 * cervical * np.clip(points[0] / (shape.width_up / 2), 0, 1.2) ** 4  # the uncinate processes
    return _cylinder(
        points,
        (shape.width_low / 2, shape.width_up / 2),
        (shape.depth_low / 2, shape.depth_up / 2),
        (-half, half + rim),
        (0.10, 0.07),
    )


def _cylinder(
    points: Points,
    widths: tuple[float, float],
    depths: tuple[float, float],
    ends: tuple[float | np.ndarray, float | np.ndarray],
    waist: tuple[float, float],
) -> np.ndarray:
    """A body: endplates a little fuller than ellipses, a waist between them, rounded rims and dished ends.

    Args:
        points: where to ask.
        widths: half widths of the lower and the upper end.
        depths: half depths of the lower and the upper end.
        ends: z of both ends.
        waist: how much narrower its middle is, in width and depth, as a share.
    """
    x, y, z = points
    low, high = ends
    t = np.clip((z - low) / (high - low), 0, 1)
    bend = 4 * t * (1 - t)
    a = (widths[0] + (widths[1] - widths[0]) * t) * (1 - waist[0] * bend)
    b = (depths[0] + (depths[1] - depths[0]) * t) * (1 - waist[1] * bend)
    reach = ((np.abs(x) / a) ** 2.4 + (np.abs(y) / b) ** 2.4) ** np.float32(1 / 2.4)
    side = (reach - 1) * np.minimum(a, b)
    dish = 1.2 * np.clip(1 - reach, 0, 1)
    end = np.maximum(z - high, low - z) + dish
    return -united(-side, -end, blend=2.5)


def _oval(points: Points, centre: Point, half_width: float, half_depth: float) -> np.ndarray:
    """An upright tube of elliptic section."""
    x, y, _ = points
    reach = np.sqrt(((x - centre[0]) / half_width) ** 2 + ((y - centre[1]) / half_depth) ** 2)
    distance: np.ndarray = (reach - 1) * min(half_width, half_depth)
    return distance


def _turned(axis: str, degrees: float) -> np.ndarray:
    matrix: np.ndarray = Rotation.from_euler(axis, degrees, degrees=True).as_matrix()
    return matrix


def _joint(shape: VertebraShape, endplate: float, *, back: float | None = None) -> Point:
    """Middle of the joint above ``shape``, for whose upper endplate ``endplate`` is the height in the frame asked."""
    wall = -shape.depth / 2 if back is None else back
    return shape.joint_x, wall - shape.joint_back, endplate + shape.joint_up


def _facet(
    points: Points, root: Point, joint: Point, shape: VertebraShape, *, sign: float, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """An articular process: its facet on one side of the joint (-1: the lower vertebra's), and the neck to the root."""
    azimuth, slope = np.deg2rad(shape.joint_azimuth), np.deg2rad(shape.joint_slope)
    normal = np.array([-np.sin(azimuth) * np.sin(slope), -np.cos(azimuth) * np.sin(slope), np.cos(slope)])
    centre = np.array(joint) + sign * normal * (_FACET_THICKNESS + _JOINT_GAP / 2)
    middle: Point = (float(centre[0]), float(centre[1]), float(centre[2]))
    upwards = np.array(UP) - normal[2] * normal
    upwards /= np.linalg.norm(upwards)
    axes = np.stack([np.cross(normal, upwards), normal, upwards], axis=1)
    facet = ellipsoid(points, middle, (size, _FACET_THICKNESS + 1.0, size + 1.0), axes)
    neck = bar(points, root, middle, radius=3.4, across=(1.0, 0.0, 0.0), radius_across=4.4)
    return facet, neck


def _spinous(shape: VertebraShape, points: Points, *, behind: float, z: float) -> np.ndarray:
    down = np.deg2rad(shape.spinous_down)
    length = shape.spinous_length
    start: Point = (0.0, behind - 1.5, z)
    tip: Point = (0.0, behind - length * float(np.cos(down)), z - length * float(np.sin(down)))
    half = shape.spinous_height / 2
    blade = bar(points, start, tip, radius=2.6 + 0.09 * half, across=UP, radius_across=half)
    knob = ellipsoid(points, tip, (3.8 + 0.05 * half, 3.4, max(3.6, 0.8 * half)))
    if 0 < shape.foramen == 1.0:  # the cervical ones end in two
        knob = ellipsoid(points, (3.2, tip[1], tip[2]), (2.8, 2.8, 2.8))
    return united(blade, knob, blend=3.0)


def _transverse(shape: VertebraShape, points: Points, *, root: Point, back: float) -> np.ndarray:
    tip: Point = (shape.transverse_width / 2 - 3.0, back - shape.transverse_back, shape.transverse_up)
    lumbar = shape.level.startswith("L")
    thoracic = shape.level.startswith("T")
    tall = 4.6 if thoracic else 5.0 if lumbar else 3.2
    process = bar(points, root, tip, radius=3.0 if lumbar else 3.6, across=UP, radius_across=tall)
    if thoracic:
        process = united(process, ellipsoid(points, tip, (4.2, 4.2, 5.0)), blend=3.0)
    if shape.foramen > 0:
        # The front bar, which closes the foramen of the vertebral artery.
        front: Point = (shape.transverse_width / 2 - 4.5, back + 6.5, shape.transverse_up)
        rib = bar(points, (shape.width_up / 2 - 2.0, back + 8.5, 0.0), front, radius=2.0, across=UP, radius_across=3.0)
        floor = bar(points, front, tip, radius=2.0, across=UP, radius_across=2.4)
        process = united(process, rib, floor, blend=2.0)
    return process
