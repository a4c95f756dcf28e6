import math
from itertools import count

import pytest
import torch

from sneakynet.training import window as module
from sneakynet.training.ahead import Ahead
from sneakynet.training.loss import Loss
from sneakynet.training.trainer import DivergedError, StepReport
from sneakynet.training.window import Window


def report(value):
    loss = Loss(*(torch.tensor(part) for part in (value, value / 2, value / 2)))
    return StepReport({"target": loss}, learning_rate=0.1)


@pytest.fixture
def clock(monkeypatch):
    """Every look at the clock is a second later."""
    seconds = count()
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))


def test_means_by_hand(small_trainer, small_patches, clock):
    patches = small_patches(1)
    batches = Ahead(lambda step: patches, threaded=False)
    window = Window(small_trainer(batch_size=2), batches)  # at 0 s
    window.add(report(1.0))  # looks at 1 s and 2 s
    assert batches.take(5) is patches  # from 3 s to 4 s
    window.add(report(3.0))  # at 5 s and 6 s
    row = window.means()  # at 7 s and 8 s
    assert row["target_loss"] == 2.0
    assert math.isnan(row["context_2x_loss"])
    assert row["patches_per_s"] == pytest.approx(2 * 2 / 7)
    assert row["data_wait"] == pytest.approx(1 / 8)
    assert window.facts["target"] == pytest.approx(0.95 * 1 + 0.05 * 3)


def test_a_loss_that_explodes(small_trainer):
    window = Window(small_trainer(), Ahead(lambda step: step, threaded=False))
    assert window.sound()
    window.add(report(5.0))
    assert window.sound()
    window.add(report(50.0))
    assert not window.sound()
    with pytest.raises(DivergedError, match=r"the target loss is 27.5 at step 0: training has diverged"):
        window.means()


def test_memory_of_the_process():
    assert 0 < module.memory_gib(torch.device("cpu")) < 1000
