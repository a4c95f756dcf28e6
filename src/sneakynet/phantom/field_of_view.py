"""Which part of the body a scan shows."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from sneakynet.phantom.surface import Surface

FIELDS = ("whole", "chest", "abdomen_pelvis", "trunk", "head_neck", "arm")
_SHARES = (0.2, 0.2, 0.27, 0.18, 0.09, 0.06)
_MARGIN = 25.0  # mm around what a field must hold
_BORE = 640.0  # mm, what extended fields reconstruct
_JITTER = 30.0  # mm, standard deviation of upper and lower end


def draw_field_of_view(
    rng: np.random.Generator, surfaces: Mapping[str, Surface], kind: str | None = None
) -> tuple[str, Float[np.ndarray, "2 3"]]:
    """A box of the patient, as protocols choose it: lower and upper corner in RAS mm.

    Args:
        rng: source of randomness.
        surfaces: the posed bones by name.
        kind: one of ``FIELDS``; drawn when not given.

    Returns:
        The field's kind and the box.
    """
    chosen = str(rng.choice(FIELDS, p=_SHARES)) if kind is None else kind
    bones = {
        name: surface.vertices for name, surface in surfaces.items() if "tibia" not in name and "fibula" not in name
    }
    everything = np.concatenate(list(bones.values()))
    if chosen == "whole":
        box = np.stack([everything.min(0) - 2 * _MARGIN, everything.max(0) + 2 * _MARGIN])
        middle_x = np.median(bones["sacrum"][:, 0])
        box[:, 0] = np.clip(box[:, 0], middle_x - _BORE / 2, middle_x + _BORE / 2)
        if rng.random() < 0.7:  # upper body only
            box[0, 2] = bones["femur_left"][:, 2].max() - rng.uniform(60, 260)
        return chosen, box
    if chosen == "arm":
        side = str(rng.choice(["left", "right"]))
        arm = np.concatenate([v for n, v in bones.items() if side in n and _is_forearm_or_hand(n)])
        return chosen, np.stack([arm.min(0) - 2 * _MARGIN, arm.max(0) + 2 * _MARGIN])

    middle = {name: float(vertices[:, 2].mean()) for name, vertices in bones.items()}
    top_of_head = float(bones["skull"][:, 2].max()) + _MARGIN
    femora = np.concatenate([bones["femur_left"], bones["femur_right"]])[:, 2]
    femur_bottom, femur_top = float(femora.min()), float(femora.max())
    mid_femur = femur_top - rng.uniform(0.1, 0.6) * (femur_top - femur_bottom)
    low, high = {
        "chest": (rng.uniform(middle["vertebrae_L4"], middle["vertebrae_L1"]), middle["vertebrae_C5"]),
        "abdomen_pelvis": (mid_femur, rng.uniform(middle["vertebrae_T12"], middle["vertebrae_T7"])),
        "trunk": (mid_femur, rng.uniform(middle["vertebrae_T1"], middle["vertebrae_C2"])),
        "head_neck": (rng.uniform(middle["vertebrae_T7"], middle["vertebrae_T1"]), top_of_head),
    }[chosen]
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


def _is_forearm_or_hand(name: str) -> bool:
    return not name.startswith(("rib", "hip", "femur", "patella", "clavicula", "scapula", "costal"))
