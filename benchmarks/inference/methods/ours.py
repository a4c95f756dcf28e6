"""Our predictor, through its public front."""

import numpy as np

import sneakynet.inference.predictor as predictor_file
from inference.clock import Clock
from inference.methods.method import Method, wrap_engine
from inference.scans import fine_scan
from inference.trial import Trial
from sneakynet.inference.memory import Forecast
from sneakynet.inference.predictor import Predictor
from sneakynet.models.sneakynet import SneakyNet
from sneakynet.models.weights import WeightsHeader
from sneakynet.volumes.volume import Volume

_DENSE_HU = 100


class Ours(Method):
    """``Predictor.segment``.

    It reads the scan at twice the network's resolution, as a user's would be, and brings it to the network's grid
    itself. Peers do not do that; the time for it is booked apart.
    """

    def __init__(self, trial: Trial, network: SneakyNet, header: WeightsHeader, clock: Clock) -> None:
        super().__init__(trial, network, header, clock)
        self._predictor = Predictor(
            network, header, name="benchmark", device=trial.device, precision=trial.precision, overlap=trial.overlap
        )
        wrap_predictor(clock, self._predictor)

    def read(self, voxels: np.ndarray) -> Volume:
        """See :class:`Method`."""
        return fine_scan(voxels, spacing=self.trial.spacing)

    def warm_up(self) -> None:
        tile = np.full((self.edge,) * 3, _DENSE_HU, dtype=np.int16)  # no air, which would be skipped
        self._predictor.segment(Volume(tile, np.diag([self.trial.spacing] * 3 + [1.0])))

    def labels(self, scan: Volume) -> np.ndarray:
        return self._predictor.segment(scan, planned=self._note, progress=self._count).labels.voxels

    def _note(self, forecast: Forecast) -> None:
        self.forecast_gib = forecast.peak / 2**30

    def _count(self, done: int, total: int) -> None:
        self.tiles = total


def wrap_predictor(clock: Clock, predictor: Predictor) -> None:
    """Book the network's passes, and the resampling of the scan to the network's grid."""
    wrap_engine(clock, predictor.engine)
    for bring in ("on_network_grid", "grid_on_gpu"):
        clock.wrap(predictor_file, bring, name="resample", waits=True)
