"""Which part of the body a scan shows."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from sneakynet.phantom.surface import Surface

Field = Literal["whole", "chest", "abdomen_pelvis", "trunk", "head_neck", "arm", "hand"]
"""The kinds, in the order of ``FieldShares``."""
FIELDS: tuple[Field, ...] = get_args(Field)


@dataclass(frozen=True)
class FieldShares:
    """How often each part of the body is scanned, relative to the others.

    Trunk scans prevail in archives (Wasserthal et al. 2023: chest, abdomen and pelvis in most of 1204 scans); whole
    bodies, heads, arms and hands are drawn more often than there, or their bones would hardly be seen.
    """

    whole: float = 0.2
    """All of the body, or of its upper half."""
    chest: float = 0.18
    """From the neck to the upper or middle lumbar spine."""
    abdomen_pelvis: float = 0.26
    """From the lower chest to the thighs."""
    trunk: float = 0.16
    """From the neck to the thighs."""
    head_neck: float = 0.09
    """From the top of the head into the chest."""
    arm: float = 0.06
    """Forearm and hand."""
    hand: float = 0.05
    """One hand, or a part of it."""


_MARGIN = 25.0  # mm around what a field must hold
_BORE = 640.0  # mm, what extended fields reconstruct
_JITTER = 30.0  # mm, standard deviation of upper and lower end
_NECK = 0.4  # share of head_neck scans that begin at mid-face, as scans of the neck do
_CUT_HAND = 0.3  # share of arm and hand scans that leave a part of it out
_CARPALS = ("scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate")


def draw_field_of_view(
    rng: np.random.Generator,
    surfaces: Mapping[str, Surface],
    kind: str | None = None,
    *,
    shares: FieldShares | None = None,
) -> tuple[str, Float[np.ndarray, "2 3"]]:
    """A box of the patient, as protocols choose it: lower and upper corner in RAS mm.

    Args:
        rng: source of randomness.
        surfaces: the posed bones by name.
        kind: one of ``FIELDS``; drawn when not given.
        shares: how often each is drawn.

    Returns:
        The field's kind and the box.
    """
    weights = np.array(astuple(FieldShares() if shares is None else shares))
    chosen = str(rng.choice(FIELDS, p=weights / weights.sum())) if kind is None else kind
    bones = {
        name: surface.vertices for name, surface in surfaces.items() if "tibia" not in name and "fibula" not in name
    }
    everything = np.concatenate(list(bones.values()))
    if chosen == "whole":
        box = np.stack([everything.min(0) - 2 * _MARGIN, everything.max(0) + 2 * _MARGIN])
        middle_x = np.median(bones["sacrum"][:, 0])
        box[:, 0] = np.clip(box[:, 0], middle_x - _BORE / 2, middle_x + _BORE / 2)
        if rng.random() < 0.7:  # upper body only
            box[0, 2] = _thighs(bones)[1] - rng.uniform(60, 260)
        return chosen, box
    if chosen in {"arm", "hand"}:
        return chosen, _arm(rng, bones, hand=chosen == "hand")

    middle = {name: float(vertices[:, 2].mean()) for name, vertices in bones.items()}
    top_of_head = float(bones["skull"][:, 2].max()) + _MARGIN
    femur_bottom, femur_top = _thighs(bones)
    mid_femur = femur_top - rng.uniform(0.1, 0.6) * (femur_top - femur_bottom)
    low, high = {
        "chest": (rng.uniform(middle["vertebrae_L4"], middle["vertebrae_L1"]), middle["vertebrae_C5"]),
        "abdomen_pelvis": (mid_femur, rng.uniform(middle["vertebrae_T12"], middle["vertebrae_T7"])),
        "trunk": (mid_femur, rng.uniform(middle["vertebrae_T1"], middle["vertebrae_C2"])),
        "head_neck": (rng.uniform(middle["vertebrae_T7"], middle["vertebrae_T1"]), top_of_head),
    }[chosen]
    if chosen == "head_neck" and rng.random() < _NECK:
        low = rng.uniform(middle["vertebrae_T6"], middle["vertebrae_T3"])
        high = middle["skull"] + rng.uniform(-30, 30)
    low, high = low + rng.normal(0, _JITTER), high + rng.normal(0, _JITTER)
    inside = np.concatenate(
        [v for n, v in bones.items() if n.startswith(("vertebrae", "rib", "sacrum", "hip", "skull"))]
    )
    inside = inside[(inside[:, 2] > low) & (inside[:, 2] < high)]
    centre = (inside.min(0) + inside.max(0))[:2] / 2 + rng.normal(0, 12, 2)
    # Reconstructed fields are square, 300 to 520 mm wide; the anterior-posterior edge of many archives is cropped.
    width = rng.uniform(300, 520) if chosen != "head_neck" else rng.uniform(220, 400)
    depth = width * rng.uniform(0.75, 1.0)
    lower = np.array([centre[0] - width / 2, centre[1] - depth / 2, low])
    return chosen, np.stack([lower, np.array([centre[0] + width / 2, centre[1] + depth / 2, high])])


def _thighs(bones: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Height of the knees and of the hips; legs may be missing."""
    femora = [vertices[:, 2] for name, vertices in bones.items() if name.startswith("femur")]
    hips = [vertices[:, 2] for name, vertices in bones.items() if name.startswith("hip")]
    lower = np.concatenate(femora or hips)
    return float(lower.min()), float(lower.max())


def _arm(rng: np.random.Generator, bones: Mapping[str, np.ndarray], *, hand: bool) -> Float[np.ndarray, "2 3"]:
    """A forearm with its hand, or a hand, of one side; of both where a limb is missing on the side drawn."""
    begins = (*_CARPALS, "metacarpal", "phalanx") + (() if hand else ("radius", "ulna"))
    parts = [name for name in bones if name.startswith(begins)]
    if not parts:  # both arms are missing: what is left of them
        parts = [name for name in bones if name.startswith(("humerus", "scapula"))]
    side = str(rng.choice(["left", "right"]))
    one_side = [name for name in parts if side in name] or parts
    points = np.concatenate([bones[name] for name in one_side])
    margin = rng.uniform(0.4, 2.4, (2, 3)) * _MARGIN
    box = np.stack([points.min(0) - margin[0], points.max(0) + margin[1]])
    if rng.random() < _CUT_HAND:  # the field ends within the hand or the forearm
        axis, end = int(rng.integers(3)), int(rng.integers(2))
        box[end, axis] += (box[1 - end, axis] - box[end, axis]) * rng.uniform(0.1, 0.4)
    return box
