"""Metal artefacts: rays through metal carry too little signal, and what is reconstructed from them is streaks."""

import torch
from jaxtyping import Float
from torch import Tensor

_ANGLES = 60
_COARSE_MM = 5.0  # streaks are computed on pixels of about this size
_REACH = 1.2
_BODY = -700.0  # HU above which a voxel is not air


def metal_streaks(
    metal: Float[Tensor, "i j k"],
    hu: Float[Tensor, "i j k"],
    *,
    spacing: float,
    strength: float,
    generator: torch.Generator,
) -> Float[Tensor, "i j k"]:
    """HU that artefacts add to slices that hold metal.

    The error of each ray grows with the square of the metal it passes (hardening) and is random where hardly any signal
    arrives (starvation; Barrett and Keat 2004, De Man et al. 1999); the filtered back-projection of these errors is
    what the image shows: dark bands between two implants, bright and dark rays around them.

    Args:
        metal: share of metal.
        hu: the image so far: air outside of the body shows streaks less.
        spacing: mm per voxel.
        strength: 1 for a plain filtered back-projection.
        generator: source of randomness.
    """
    pool = max(1, round(_COARSE_MM / spacing))
    # A slice without metal has no artefacts.
    held = (metal.amax(dim=(0, 1)) > 0).nonzero()[:, 0]
    artefacts = torch.zeros_like(metal)
    if not len(held):
        return artefacts
    stack = metal[:, :, held].permute(2, 0, 1)[:, None]
    coarse = torch.nn.functional.avg_pool2d(stack, pool, ceil_mode=True)[:, 0]
    count, i, j = coarse.shape
    mm = pool * spacing
    reach = int(_REACH * max(i, j)) // 2 + 2
    offsets = torch.arange(-reach, reach + 1, device=metal.device, dtype=metal.dtype)
    u = torch.arange(i, device=metal.device) - (i - 1) / 2
    v = torch.arange(j, device=metal.device) - (j - 1) / 2
    total = torch.zeros(count, i, j, device=metal.device)
    for angle in torch.linspace(0, torch.pi, _ANGLES + 1)[:-1].tolist():
        turn = torch.tensor(angle)
        cos, sin = float(turn.cos()), float(turn.sin())
        x, y = offsets[:, None] * cos - offsets * sin, offsets[:, None] * sin + offsets * cos
        grid = torch.stack([y / (j / 2), x / (i / 2)], dim=-1)[None]
        sampled = torch.nn.functional.grid_sample(coarse[None], grid, align_corners=False)[0]
        passed = sampled.sum(2) * mm  # mm of metal, [slice, detector]
        error = -((passed / 10) ** 2).clamp(max=12)
        starved = (passed / 15).clamp(max=1.5)
        error += 2 * starved * torch.randn(error.shape, generator=generator, device=metal.device)
        place = (u[:, None] * cos + v[None, :] * sin + reach).clamp(0, 2 * reach - 1e-3)
        low = place.long()
        share = place - low
        ramp = error - 0.5 * (error.roll(1, 1) + error.roll(-1, 1))  # a short ramp filter
        total += ramp[:, low] * (1 - share) + ramp[:, low + 1] * share
    artefact = total * (strength * 900 / _ANGLES)
    wide = torch.nn.functional.interpolate(
        artefact[:, None], scale_factor=float(pool), mode="bilinear", align_corners=False
    )[:, 0, : metal.shape[0], : metal.shape[1]]
    inside = (hu[:, :, held] > _BODY).to(metal.dtype)
    artefacts[:, :, held] = wide.permute(1, 2, 0).clamp(-900, 1500) * (0.3 + 0.7 * inside)
    return artefacts
