"""Which model is to be used, before it is loaded: each worker of a cluster loads it for itself."""

from dataclasses import dataclass
from pathlib import Path

from sneakynet.inference.device import Precision
from sneakynet.inference.predictor import Predictor


@dataclass(frozen=True)
class ModelChoice:
    """A model and how it computes, as plain values that can be sent to other machines.

    Args:
        path: weights file, exported model, or the name of a model that comes with the package; None is ``default``.
        precision: see `Predictor.load`.
        threads: see `Predictor.load`.
    """

    path: Path | None = None
    precision: Precision = "auto"
    threads: int | None = None

    def load(self, device: str) -> Predictor:
        """Load it.

        Args:
            device: see `resolve_device`.

        Raises:
            WeightsError: the file is missing, damaged, or of another kind or version.
            SettingError: there is no such device here.
        """
        return Predictor.load(self.path, device=device, precision=self.precision, threads=self.threads)
