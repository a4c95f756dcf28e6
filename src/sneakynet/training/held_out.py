"""What a run is measured by as it goes: patches of held-out cases, and a few of these cases as whole scans."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from sneakynet.anatomy.bone import BoneTable
from sneakynet.counted import counted
from sneakynet.data.case import Case
from sneakynet.data.sampling import Patches
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader
from sneakynet.training.trainer import Trainer
from sneakynet.training.validation import Score, validate
from sneakynet.volumes.atomic import write_whole

BONES = "validation_bones.csv"

ScanScorer = Callable[[SneakyNet, WeightsHeader, Case], Float64[np.ndarray, " class"]]
"""Segments a case whole and gives the DSC of every class, NaN where neither answer nor reference holds it."""


@dataclass(frozen=True)
class Measured:
    """One validation.

    Args:
        networks: score of every network on the patches.
        bones: DSC of every class on every whole scan ``[scan class]``; NaN where a scan has none of it.
    """

    networks: dict[str, Score]
    bones: Float64[np.ndarray, "scan class"]

    @property
    def scans_dsc(self) -> float | None:
        """Mean DSC over all bones of all whole scans; None without them."""
        return float(np.nanmean(bones)) if np.isfinite(bones := self.bones[:, 1:]).any() else None

    @property
    def score(self) -> float:
        """What decides which weights are best: the DSC of whole scans, or else the target's on patches."""
        # As the log has it, so that a resumed run decides alike.
        return float(f"{self.networks['target'].dice if self.scans_dsc is None else self.scans_dsc:.6g}")

    def columns(self) -> dict[str, float]:
        """For the log."""
        row = {f"{name}_{key}": value for name, one in self.networks.items() for key, value in asdict(one).items()}
        if len(self.bones):
            row["scans_dsc"] = np.nan if self.scans_dsc is None else self.scans_dsc
        return row

    def sentence(self) -> str:
        """For people."""
        parts = [
            f"{name}: DSC {one.dice:.3f}, classes found {one.found:.0%}, bone named {one.named:.0%}"
            for name, one in self.networks.items()
        ]
        if self.scans_dsc is not None:
            parts.append(f"{counted(len(self.bones), 'whole scan')}: DSC {self.scans_dsc:.3f}")
        return "; ".join(parts)

    def write_bones(self, path: Path, table: BoneTable) -> None:
        """A line for each bone that the whole scans hold.

        Raises:
            OutputError: it cannot be written.
        """
        lines = ["bone,scans,mean_dsc"]
        for bone in table.bones:
            found = self.bones[:, bone.id][np.isfinite(self.bones[:, bone.id])]
            if len(found):
                lines.append(f"{bone.name},{len(found)},{found.mean():.4f}")
        with write_whole(path) as part:
            part.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class HeldOut:
    """The same patches and scans at every validation, shared out among the processes.

    Args:
        patches: this process's share.
        scans: cases that are segmented whole, all of them.
        score_scan: how; None leaves the scans alone.
    """

    patches: Sequence[Patches]
    scans: Sequence[Case]
    score_scan: ScanScorer | None

    def measure(self, trainer: Trainer, header: WeightsHeader) -> Measured:
        """Score the weights that would be exported now."""
        processes = trainer.processes
        networks = validate(trainer.exported, self.patches, precision=trainer.settings.precision, processes=processes)
        own: dict[int, np.ndarray] = {}
        if self.score_scan is not None:
            for number in range(processes.rank, len(self.scans), processes.count):
                own[number] = self.score_scan(trainer.exported, header, self.scans[number])
        scans: dict[int, np.ndarray] = {}
        for part in processes.gather(own):
            scans |= part
        rows = [scans[number] for number in sorted(scans)]
        return Measured(networks, np.stack(rows) if rows else np.zeros((0, header.table.n_classes)))
