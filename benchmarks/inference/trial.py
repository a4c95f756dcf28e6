"""One method on one scan, once: what is asked of a process, and what it answers."""

from dataclasses import dataclass

TRAINED_SPACING = {0: 6.0, 1: 3.0, 2: 3.0, 3: 3.0}
"""By number of contexts: the voxels, in mm, that a network (``networks.py``) was trained on."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one process is to run.

    Args:
        part: of the benchmark.
        method: see ``child.py``.
        precision: of the convolutions, ``f32``, ``bf16`` or ``f16``.
        contexts: of the network, 0 to 3.
        shape: voxels of the network's grid.
        spacing: of the network's grid, mm.
        overlap: of the tiles, share of their edge.
        reference: whether the labels of the same network and shape are compared with this trial's.
        device: ``cpu`` or ``cuda``.
    """

    part: str
    method: str
    precision: str
    contexts: int
    shape: tuple[int, int, int]
    spacing: float
    overlap: float
    reference: bool = False
    device: str = "cpu"

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.method} {self.precision}, {self.contexts} contexts, {'x'.join(map(str, self.shape))}"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process measured.

    Args:
        seconds: from the scan on the network's grid in memory to labels at twice its resolution in memory.
        network_seconds: of these, within the network.
        cpu_seconds: as ``seconds``, of all cores together: what a busy machine does not change.
        network_cpu_seconds: of these, within the network.
        resample_seconds: beside these, for bringing the scan to the network's grid; 0 for peers, which get it there.
        tiles: that were run.
        before_gib: held when the scan began: libraries, weights, the scan itself; None where the system does not say.
        peak_gib: the most that the process had held when the labels were there.
        classes: that occur among the labels.
        mixed: share of 2x2x2 neighbourhoods that hold more than one label.
        gpu_gib: the most that torch had reserved on the GPU; None without one.
        forecast_gib: what ours had announced for the device; None for peers.
    """

    seconds: float
    network_seconds: float
    cpu_seconds: float
    network_cpu_seconds: float
    resample_seconds: float
    tiles: int
    before_gib: float | None
    peak_gib: float
    classes: int
    mixed: float
    gpu_gib: float | None = None
    forecast_gib: float | None = None
