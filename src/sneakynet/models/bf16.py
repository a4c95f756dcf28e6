"""Where bfloat16 pays: on hardware with instructions for it. Elsewhere it is emulated, at many times the cost."""

import logging

import torch

_LOG = logging.getLogger(__name__)


def has_bf16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16: GPUs since Ampere, processors with AVX-512 BF16 or AMX."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch keeps these two to itself; where a version lacks them float32 is right everywhere.
    asked = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(bool(ask()) for ask in asked if ask is not None)


def warn_of_emulation(device: torch.device) -> None:
    """Say that bfloat16 was asked for where it is emulated."""
    if not has_bf16(device):
        _LOG.warning("%s has no instructions for bfloat16, which is many times slower here than f32", device)
