"""The device that a network runs on, and the precision it computes in there."""

from typing import Literal

import torch

from sneakynet.errors import SettingError
from sneakynet.models.bf16 import has_bf16, warn_of_emulation


def resolve_device(name: str) -> torch.device:
    """The device behind a name.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1`` ...; ``auto`` takes the first GPU if there is one.

    Returns:
        The device.

    Raises:
        SettingError: there is no such device here; the message lists those that there are.
    """
    there = available_devices()
    if name == "auto":
        return torch.device("cuda" if "cuda" in there else "cpu")
    if name in there:
        return torch.device(name)
    reason = "torch finds no GPU that it can use here" if name.startswith("cuda") and len(there) == 1 else "unknown"
    msg = f"cannot use device {name!r}: {reason}; available: auto, {', '.join(there)}"
    raise SettingError(msg)


def available_devices() -> tuple[str, ...]:
    """Names of the devices of this machine, the CPU first."""
    gpus = [f"cuda:{n}" for n in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return ("cpu", *(["cuda"] if gpus else []), *gpus)


Precision = Literal["auto", "f32", "bf16", "f16"]

PRECISION_OF = {torch.float32: "f32", torch.bfloat16: "bf16", torch.float16: "f16"}
"""Names of what convolutions can be computed in."""


def compute_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The numbers that convolutions are computed in.

    ``auto`` takes bfloat16 on GPUs and on processors with instructions for it (AVX-512 BF16, AMX), where convolutions
    take about half the time and the DSC of the default weights changes by less than 0.001; float32 elsewhere.

    Args:
        precision: what was asked for.
        device: that shall compute.

    Raises:
        SettingError: half precision on a processor, which has no instructions for it.
    """
    if precision == "f16" and device.type == "cpu":
        msg = "precision f16 needs a GPU; on a processor give bf16, f32 or auto"
        raise SettingError(msg)
    if precision == "bf16":
        warn_of_emulation(device)
    if precision != "auto":
        return next(dtype for dtype, name in PRECISION_OF.items() if name == precision)
    return torch.bfloat16 if has_bf16(device) else torch.float32
