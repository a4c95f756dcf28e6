"""What is reported of one method on one scan."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Row:
    """Medians over the repetitions.

    Args:
        part: of the benchmark.
        method: see ``child.py``; in the part ``chest`` a stage, in the part ``large`` the command.
        precision: of the convolutions.
        contexts: of the network.
        shape: voxels of the network's grid; in the parts ``large`` and ``chest`` of the scan.
        seconds: from the scan on the network's grid to labels at twice its resolution.
        network_seconds: of these, within the network.
        peak_gib: the most memory that the process ever held.
        agreement: share of voxels with the reference's label; None for the reference itself and where there is none.
        bone_agreement: the same among the reference's bone voxels.
        more: what else was measured, by name.
        skipped: why nothing was measured.
    """

    part: str
    method: str
    precision: str
    contexts: int
    shape: tuple[int, int, int]
    seconds: float | None = None
    network_seconds: float | None = None
    peak_gib: float | None = None
    agreement: float | None = None
    bone_agreement: float | None = None
    more: dict[str, object] = field(default_factory=dict)
    skipped: str | None = None
