"""Poses of people in a CT scanner, drawn as joint values."""

from collections.abc import Mapping

import numpy as np

POSES = ("arms_up", "arms_down", "hands_on_belly", "one_arm_up")
_POSE_SHARES = (0.45, 0.25, 0.15, 0.15)
# Arms: joint -> (low, high) in radians.
_ARM: dict[str, dict[str, tuple[float, float]]] = {
    "up": {
        "shoulder_elv": (2.6, 3.1),
        "elv_angle": (0.2, 1.2),
        "shoulder_rot": (-0.6, 0.9),
        "elbow_flexion": (0.1, 1.9),
    },
    "down": {
        "shoulder_elv": (0.0, 0.25),
        "elv_angle": (-0.3, 0.6),
        "shoulder_rot": (-0.4, 0.6),
        "elbow_flexion": (0.0, 0.4),
    },
    "belly": {
        "shoulder_elv": (0.15, 0.5),
        "elv_angle": (0.2, 0.9),
        "shoulder_rot": (0.5, 1.2),
        "elbow_flexion": (1.2, 1.8),
    },
}
_ARMS_OF_POSE = {
    "arms_up": ("up", "up"),
    "arms_down": ("down", "down"),
    "hands_on_belly": ("belly", "belly"),
    "one_arm_up": ("up", "down"),
}
# Standard deviations in radians; the spine's joints drive the lumbar levels through the source's couplings.
_TRUNK = {"flex_extension": 0.12, "lat_bending": 0.03, "axial_rotation": 0.04}
_HAND = 0.25
_FINGER_JOINTS = ("mcp", "pm", "md")


def draw_pose(rng: np.random.Generator, joints: Mapping[str, tuple[float, float]]) -> tuple[str, dict[str, float]]:
    """A pose's name and its joint values.

    Args:
        rng: source of randomness.
        joints: name -> range of the joints that may be set (``Skeleton.joints``).

    Returns:
        One of ``POSES``, and joint name -> value in radians.
    """
    pose = str(rng.choice(POSES, p=_POSE_SHARES))
    arms = list(_ARMS_OF_POSE[pose])
    rng.shuffle(arms)
    angles = {joint: float(rng.normal(0, sd)) for joint, sd in _TRUNK.items()}
    for side, arm in zip(("r", "l"), arms, strict=True):
        angles |= {f"{joint}_{side}": float(rng.uniform(*limits)) for joint, limits in _ARM[arm].items()}
        angles[f"pro_sup_{side}"] = float(rng.uniform(-1.4, 1.4))
        angles[f"hip_flexion_{side}"] = float(rng.uniform(-0.1, 0.3))
        angles[f"hip_adduction_{side}"] = float(rng.uniform(-0.2, 0.08))
        angles[f"hip_rotation_{side}"] = float(rng.uniform(-0.4, 0.4))
        angles[f"knee_angle_{side}"] = float(rng.uniform(0, 0.4))
        curl = rng.uniform(0, 0.9)
        for joint in sorted(joints):
            if not _belongs_to(joint, side):
                continue
            if joint.startswith(_FINGER_JOINTS) and "flexion" in joint:
                angles[joint] = float(np.clip(rng.normal(curl, 0.15), 0, 1.4))
            elif joint.startswith(("cmc", "mp_", "ip_", "flexion", "deviation", "mcp")):
                angles[joint] = float(rng.normal(0, _HAND / 2))
    return pose, angles


def _belongs_to(joint: str, side: str) -> bool:
    """The source names a few joints of the right hand without their side."""
    return joint.endswith(f"_{side}") or (side == "r" and not joint.endswith(("_l", "_r")))
