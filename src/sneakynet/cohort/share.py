"""How the cores and GPUs of a cluster are shared out to workers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sneakynet.errors import SettingError

# Ray counts parts of a GPU in ten-thousandths.
_PARTS = 10_000


@dataclass(frozen=True)
class Node:
    """One machine of a cluster.

    Args:
        cpus: cores.
        gpus: GPUs.
    """

    cpus: int
    gpus: int = 0


@dataclass(frozen=True)
class Share:
    """What each worker gets; all get the same.

    Args:
        workers: how many there are.
        cpus: cores of each, and its threads.
        gpus: GPUs of each; a part of one where several share it.
    """

    workers: int
    cpus: int
    gpus: float

    @property
    def device(self) -> str:
        """Where each worker computes. A worker sees its own GPU alone."""
        return "cuda" if self.gpus else "cpu"


def share_out(nodes: Sequence[Node], *, cases: int, workers: int | None, device: str) -> Share:
    """Find the most cores that each of the workers can have.

    Args:
        nodes: the machines.
        cases: there are no more workers than these.
        workers: how many; None is as many as there are GPUs, and without GPUs machines.
        device: ``auto`` takes GPUs if there are any, ``cuda`` demands them, ``cpu`` leaves them.

    Raises:
        SettingError: a device that is none of these or not there, or more workers than cores.
    """
    if device not in {"auto", "cpu", "cuda"}:
        msg = f"device {device!r}: on a cluster each worker gets a GPU of its own; give auto, cpu or cuda"
        raise SettingError(msg)
    with_gpus = [node for node in nodes if node.gpus and node.cpus]
    if device == "cuda" and not with_gpus:
        msg = "cannot use device 'cuda': the cluster has no GPU; give cpu, or start its nodes with --num-gpus"
        raise SettingError(msg)
    on_gpus = bool(with_gpus) and device != "cpu"
    used = with_gpus if on_gpus else [node for node in nodes if node.cpus]
    gpus = sum(node.gpus for node in used)
    count = min(cases, (gpus if on_gpus else len(used)) if workers is None else workers)
    per_gpu = math.ceil(count / gpus) if on_gpus else 0

    def places(cpus: int) -> int:
        """Workers that find room when each takes so many cores."""
        return sum(min(node.cpus // cpus, node.gpus * per_gpu if on_gpus else node.cpus) for node in used)

    fitting = [cpus for cpus in range(1, max((node.cpus for node in used), default=0) + 1) if places(cpus) >= count]
    if count < 1 or not fitting:
        cores = sum(node.cpus for node in used)
        msg = f"workers must be 1 to {cores}, the cores of the cluster{' beside GPUs' * on_gpus}, got {count}"
        raise SettingError(msg)
    return Share(count, fitting[-1], math.floor(_PARTS / per_gpu) / _PARTS if on_gpus else 0.0)
