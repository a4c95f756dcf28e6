"""Experiment trackers that a group may use beside the run's own files: MLflow and Weights & Biases."""

import importlib
import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from sneakynet.errors import SettingError

TrackerName = Literal["none", "mlflow", "wandb"]


@runtime_checkable
class Tracker(Protocol):
    """Takes in the figures of a run."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each curve."""

    def finish(self) -> None:
        """The run is over, or has been stopped."""


class _MlFlow:
    def __init__(self, module: Any, name: str, settings: Mapping[str, Any]) -> None:
        self._mlflow = module
        module.start_run(run_name=name)
        module.log_params(dict(settings))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._mlflow.log_metrics(dict(values), step=step)

    def finish(self) -> None:
        self._mlflow.end_run()


class _WandB:
    def __init__(self, module: Any, name: str, settings: Mapping[str, Any]) -> None:
        self._run = module.init(project="sneakynet", name=name, config=dict(settings))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def finish(self) -> None:
        self._run.finish()


class _Nothing:
    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Nobody asked."""

    def finish(self) -> None:
        """Nobody asked."""


def open_tracker(kind: TrackerName, *, name: str, settings: Mapping[str, Any]) -> Tracker:
    """Start a run in a tracker; where its server is, its own environment variables say.

    Args:
        kind: which.
        name: of the run.
        settings: of the run.

    Raises:
        SettingError: the tracker is not installed.
    """
    if kind == "none":
        return _Nothing()
    try:
        module = importlib.import_module(kind)
    except ModuleNotFoundError as error:
        msg = f"--tracker {kind} needs the package {kind}, which is not installed; run pip install {kind}"
        raise SettingError(msg) from error
    return (_MlFlow if kind == "mlflow" else _WandB)(module, name, settings)


def finite(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """The figures of a line of the log as a tracker wants them: no NaN, and the log's name before each."""
    return {f"{name}/{key}": value for key, value in values.items() if math.isfinite(value)}
