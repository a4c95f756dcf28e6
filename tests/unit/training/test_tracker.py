"""Trackers by modules that only take notes."""

import math
import sys
from unittest.mock import Mock, call

import pytest

from sneakynet.errors import SettingError
from sneakynet.training.log import RunLog
from sneakynet.training.tracker import open_tracker


@pytest.fixture
def notes(monkeypatch):
    module = Mock()
    for name in ("mlflow", "wandb"):
        monkeypatch.setitem(sys.modules, name, module)
    return module


def log(kind, folder):
    tracker = open_tracker(kind, name="run", settings={"steps": 3})
    with RunLog(folder, step=0, tracker=tracker) as rows:
        rows.write("train", 2, {"target_loss": 1.5, "context_2x_loss": math.nan})


def test_mlflow(notes, tmp_path):
    log("mlflow", tmp_path)
    assert notes.mock_calls == [
        call.start_run(run_name="run"),
        call.log_params({"steps": 3}),
        call.log_metrics({"train/target_loss": 1.5}, step=2),
        call.end_run(),
    ]


def test_wandb(notes, tmp_path):
    log("wandb", tmp_path)
    assert notes.mock_calls == [
        call.init(project="sneakynet", name="run", config={"steps": 3}),
        call.init().log({"train/target_loss": 1.5}, step=2),
        call.init().finish(),
    ]


def test_none(tmp_path):
    log("none", tmp_path)
    assert (tmp_path / "train.csv").is_file()


def test_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(SettingError, match="--tracker wandb needs the package wandb, which is not installed; run pip"):
        open_tracker("wandb", name="run", settings={})
