"""The device that a network runs on."""

import torch

from sneakynet.errors import SettingError


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
