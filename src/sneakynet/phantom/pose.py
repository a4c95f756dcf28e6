"""Poses of people in a CT scanner: joint values, and whether the limbs come to lie where they can."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from sneakynet.errors import SettingError
from sneakynet.phantom.limbs import SIDES, arm, hand, leg, thin_skeleton, where
from sneakynet.phantom.surface import Surface

POSES = ("arms_up", "arms_down", "hands_on_belly", "one_arm_up")
_ARMS_OF_POSE = {
    "arms_up": ("up", "up"),
    "arms_down": ("down", "down"),
    "hands_on_belly": ("belly", "belly"),
    "one_arm_up": ("up", "down"),
}
_ARM_JOINTS = ("elv_angle", "shoulder_elv", "shoulder_rot", "elbow_flexion")
_ARM_LIMITS = ((-1.6, 2.2), (0.0, 3.14), (-1.57, 2.09), (0.0, 2.26))
# Mean and Cholesky factor of the covariance of the joint values above, in radians, fitted to those of thousands of wide
# draws that put the arm where :func:`_lies_right` wants it, clear of the trunk: of draws from these about half do.
_ARM_FIT = {
    "up": (
        (0.59, 2.84, -0.15, 0.67),
        ((0.85, 0, 0, 0), (0.02, 0.23, 0, 0), (0.56, 0.35, 0.75, 0), (-0.06, -0.4, -0.05, 0.45)),
    ),
    "down": (
        (-0.55, 0.26, 0.41, 0.25),
        ((0.55, 0, 0, 0), (0.03, 0.18, 0, 0), (0.4, 0.72, 0.72, 0), (-0.02, 0.18, -0.08, 0.13)),
    ),
    "belly": (
        (-0.22, 0.37, 1.09, 1.41),
        ((0.51, 0, 0, 0), (0.04, 0.19, 0, 0), (0.14, -0.06, 0.13, 0), (-0.03, 0.22, -0.07, 0.23)),
    ),
}
_FIT_SPREAD = 0.8  # of the fitted deviation: the tails of a normal leave the accepted region
_CLEARANCE = 14.0  # mm between bones of different limbs: twice the soft tissue over a phalanx
_FINGER_CLEARANCE = 1.5  # mm between bones of neighbouring fingers
_TRIES = 300
_POINTS_PER_BONE = 250
_TABLE = 40.0  # mm behind the spine's hindmost point: where an arm meets the table


@dataclass(frozen=True)
class PoseSettings:
    """How people lie in the scanner."""

    arms_up: float = 0.45
    """Share of poses with both arms beside the head: how chest, abdomen and whole-body CT is taken where the patient
    can (Karlo et al. 2011, Bayer et al. 2012 on raised arms and dose)."""
    arms_down: float = 0.25
    """Share with both arms at the sides: head and neck CT, trauma, intensive care (Brink et al. 2008)."""
    hands_on_belly: float = 0.15
    """Share with the forearms across the trunk, a usual compromise in trauma CT (Karlo et al. 2011)."""
    one_arm_up: float = 0.15
    """Share with one arm up and one down: injured or paretic shoulders (Karlo et al. 2011)."""
    knee_support: float = 0.6
    """Share with a cushion under the knees, as abdominal protocols ask for: knees bent 0.2 to 0.6 rad, hips half."""
    finger_curl: tuple[float, float] = (0.05, 0.9)
    """Radians of flexion at each finger joint; an assumption: hands at rest lie flat to half closed."""
    jaw_opening: float = 0.06
    """Standard deviation in radians of how far the mouth is open; 0.6 rad is the widest (Mezitis et al. 1989)."""

    def __post_init__(self) -> None:
        shares = (self.arms_up, self.arms_down, self.hands_on_belly, self.one_arm_up)
        if min(shares) < 0 or sum(shares) <= 0:
            msg = f"the shares of the poses must not be negative and one must be above 0, got {shares} for {POSES}"
            raise SettingError(msg)
        low, high = self.finger_curl
        if not 0 <= low <= high <= 1.4:
            msg = f"finger_curl is a low and a high value from 0 to 1.4 rad, got {self.finger_curl}"
            raise SettingError(msg)

    @property
    def shares(self) -> Float[np.ndarray, " pose"]:
        """Probability of each of ``POSES``."""
        values = np.array([self.arms_up, self.arms_down, self.hands_on_belly, self.one_arm_up])
        shares: np.ndarray = values / values.sum()
        return shares


@dataclass(frozen=True)
class Pose:
    """A pose before it is applied.

    Args:
        name: one of ``POSES``.
        arms: "up", "down" or "belly" for each of ``limbs.SIDES``.
        angles: joint name -> radians.
        jaw: radians by which the mouth is open.
    """

    name: str
    arms: tuple[str, str]
    angles: Mapping[str, float]
    jaw: float


def draw_pose(rng: np.random.Generator, joints: Mapping[str, tuple[float, float]], settings: PoseSettings) -> Pose:
    """A pose, whether it fits or not; the trunk stays at rest (:mod:`spine` bends it).

    Args:
        rng: source of randomness.
        joints: name -> range of the joints that may be set (``Skeleton.joints``).
        settings: shares and ranges.
    """
    name = str(rng.choice(POSES, p=settings.shares))
    arms = list(_ARMS_OF_POSE[name])
    rng.shuffle(arms)
    angles: dict[str, float] = {}
    knee = float(rng.uniform(0.2, 0.6) if rng.random() < settings.knee_support else rng.uniform(0.0, 0.12))
    for side, kind in zip(SIDES, arms, strict=True):
        mark = side[0]
        bend = max(0.0, knee + float(rng.normal(0, 0.05)))
        angles[f"knee_angle_{mark}"] = bend
        angles[f"hip_flexion_{mark}"] = bend / 2 + float(rng.normal(0.02, 0.06))
        angles[f"hip_adduction_{mark}"] = float(rng.uniform(-0.2, 0.05))
        angles[f"hip_rotation_{mark}"] = float(rng.normal(-0.2, 0.2))  # feet fall outwards
        angles |= draw_arm(rng, joints, side, kind, settings)
    jaw = abs(float(rng.normal(0, settings.jaw_opening)))
    return Pose(name, (arms[0], arms[1]), angles, jaw)


def draw_arm(
    rng: np.random.Generator, joints: Mapping[str, tuple[float, float]], side: str, kind: str, settings: PoseSettings
) -> dict[str, float]:
    """Joint values of one arm, wrist and hand (also to draw again an arm that is misplaced)."""
    mean, factor = _ARM_FIT[kind]
    values = np.array(mean) + _FIT_SPREAD * np.array(factor) @ rng.normal(0, 1, 4)
    mark = side[0]
    angles = {
        f"{joint}_{mark}": float(np.clip(value, *limits))
        for joint, value, limits in zip(_ARM_JOINTS, values, _ARM_LIMITS, strict=True)
    }
    angles[f"pro_sup_{mark}"] = float(rng.uniform(-1.4, 1.4))
    # Fingers curl together: neighbours that bend by themselves run through each other.
    curl, slope, spread = rng.uniform(*settings.finger_curl), rng.normal(0, 0.06), rng.normal(0, 0.03)
    for joint in sorted(joints):
        if not _belongs_to(joint, mark):
            continue
        if joint.startswith(("mcp", "pm", "md")) and "flexion" in joint:
            finger = int(joint.removeprefix("mcp").removeprefix("pm").removeprefix("md")[0])
            angles[joint] = float(np.clip(curl + slope * (finger - 3) + rng.normal(0, 0.03), 0, 1.4))
        elif joint.startswith("mcp"):
            angles[joint] = float(spread + rng.normal(0, 0.01))
        elif joint.startswith(("cmc", "mp_", "ip_", "flexion", "deviation")):
            angles[joint] = float(rng.normal(0, 0.15))
    return angles


def _belongs_to(joint: str, mark: str) -> bool:
    """The source names a few joints of the right hand without their side."""
    if joint in ("flex_extension", "lat_bending", "axial_rotation"):
        return False
    return joint.endswith(f"_{mark}") or (mark == "r" and not joint.endswith(("_l", "_r")))


def with_open_jaw(surfaces: Mapping[str, Surface], angle: float) -> dict[str, Surface]:
    """The mandible turned about the line through its condyles (mm, radians)."""
    jaw = surfaces["mandible"].vertices
    # The condyles are the highest of what lies in the hind third.
    behind = jaw[jaw[:, 1] < jaw[:, 1].min() + (jaw[:, 1].max() - jaw[:, 1].min()) / 3]
    pivot = behind[behind[:, 2] > behind[:, 2].max() - 6].mean(0)
    c, s = np.cos(angle), np.sin(angle)
    chin_down = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])  # rows: y turns to -z
    opened = (jaw - pivot) @ chin_down + pivot
    return dict(surfaces) | {"mandible": surfaces["mandible"].moved(opened)}


def draw_fitting_pose(rng: np.random.Generator, settings: PoseSettings) -> Pose:
    """A pose in which no limb lies in the table, in the air or in another bone: what does is drawn again.

    Raises:
        SettingError: no pose of the drawn kind fits; the settings ask for what a body cannot do.
    """
    source = thin_skeleton()
    pose = draw_pose(rng, source.joints, settings)
    kinds = dict(zip(SIDES, pose.arms, strict=True))
    for turn in range(_TRIES):
        surfaces = source.posed(pose.angles)
        # Touch is asked of arms that lie right, and of two hands that meet one moves, now this, now that.
        wrong = [side for side, kind in kinds.items() if not _lies_right(surfaces, side, kind)]
        if not wrong:
            touching = [side for side in SIDES if _arm_touches(surfaces, side)]
            wrong = [touching[turn % len(touching)]] if touching else []
        if not wrong and not _legs_touch(surfaces):
            return pose
        angles = (
            dict(pose.angles) if wrong else dict(pose.angles) | {"hip_adduction_r": -0.08, "hip_adduction_l": -0.08}
        )
        for side in wrong:
            angles |= draw_arm(rng, source.joints, side, kinds[side], settings)
        pose = replace(pose, angles=angles)
    msg = f"no {pose.name} pose without bones in each other in {_TRIES} draws; widen or reset the pose settings"
    raise SettingError(msg)


def _lies_right(surfaces: Mapping[str, Surface], side: str, kind: str) -> bool:
    middle = surfaces["sacrum"].vertices[:, 0].mean()
    spine = np.concatenate([surfaces[f"vertebrae_{level}"].vertices[:, 1] for level in ("T6", "T7", "T8")])
    table = float(spine.min()) - _TABLE
    front = float(surfaces["sternum"].vertices[:, 1].max())
    lateral = 1.0 if side == "right" else -1.0
    points = {
        "shoulder": where(surfaces, "shoulder", side, thinned=True),
        "elbow": where(surfaces, "elbow", side, thinned=True),
        "palm": surfaces[f"metacarpal_{side}_3"].vertices.mean(0),
        "tip": surfaces[f"phalanx_distal_{side}_3"].vertices.mean(0),
    }
    out = {name: lateral * float(point[0] - middle) for name, point in points.items()}
    y = {name: float(point[1]) for name, point in points.items()}
    z = {name: float(point[2]) for name, point in points.items()}
    if min(y["elbow"], y["palm"], y["tip"]) < table:
        return False
    if kind == "up":
        above_chin = z["palm"] > float(surfaces["mandible"].vertices[:, 2].max())
        low = max(y["elbow"], y["palm"], y["tip"] - 30) < front
        return z["elbow"] > z["shoulder"] + 120 and above_chin and low and -105 < out["palm"] < 305
    beside = z["elbow"] < z["shoulder"] - 150 and out["elbow"] > out["shoulder"] - 10 and y["elbow"] < front - 40
    if kind == "down":
        away = 180 < out["palm"] < 325 and out["tip"] > 155
        return beside and away and y["palm"] < front and z["palm"] < z["shoulder"] - 500
    # On the belly: from the breast bone's front to 80 mm before it, somewhere between breast and pelvis.
    over = all(front + 8 < y[name] < front + 110 for name in ("palm", "tip")) and -95 < out["palm"] < 150
    return beside and over and z["shoulder"] - 540 < z["palm"] < z["shoulder"] - 170


def _arm_touches(surfaces: Mapping[str, Surface], side: str) -> bool:
    mine = {name for name in arm(side) if not name.startswith("humerus")}
    # The humerus and scapula of the same side are its neighbours.
    near = {*arm(side), f"scapula_{side}"}
    others = np.concatenate([_thinned(s.vertices) for name, s in surfaces.items() if name not in near])
    points = np.concatenate([_thinned(surfaces[name].vertices) for name in sorted(mine)])
    # A tree of the few that can be near is built ten times as fast as one of all.
    close = (others > points.min(0) - _CLEARANCE).all(1) & (others < points.max(0) + _CLEARANCE).all(1)
    touches = (
        close.any() and np.isfinite(cKDTree(points).query(others[close], distance_upper_bound=_CLEARANCE)[0]).any()
    )
    return bool(touches) or _fingers_touch(surfaces, side)


def _fingers_touch(surfaces: Mapping[str, Surface], side: str) -> bool:
    rays = []
    for n in range(1, 6):
        names = [m for m in hand(side) if m.endswith(f"_{n}") and (n == 1 or not m.startswith("metacarpal"))]
        rays.append(np.concatenate([_thinned(surfaces[m].vertices, 600) for m in names]))
    for n, ray in enumerate(rays[:-1]):
        tree = cKDTree(np.concatenate(rays[n + 1 :]))
        if np.isfinite(tree.query(ray, distance_upper_bound=_FINGER_CLEARANCE)[0]).any():
            return True
    return False


def _legs_touch(surfaces: Mapping[str, Surface]) -> bool:
    """Whether the thighs or knees lie in each other."""
    right, left = (np.concatenate([surfaces[name].vertices for name in leg(side)]) for side in SIDES)
    tree = cKDTree(_thinned(right, 2000))
    return bool(np.isfinite(tree.query(_thinned(left, 2000), distance_upper_bound=_CLEARANCE)[0]).any())


def _thinned(vertices: Float[np.ndarray, "vertex 3"], points: int = _POINTS_PER_BONE) -> Float[np.ndarray, "point 3"]:
    return vertices[:: max(1, len(vertices) // points)]
