"""Processes that are threads here: what one tells another goes through a list."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
import torch

from sneakynet.errors import SettingError
from sneakynet.training import processes as module
from sneakynet.training.processes import Processes, ProcessesError, launched


@dataclass
class Hall:
    """Where threads meet in place of torch.distributed."""

    count: int
    values: list = field(default_factory=list)

    def __post_init__(self):
        self.values = [None] * self.count
        self.barrier = threading.Barrier(self.count, timeout=60)
        self.own = threading.local()

    def meet(self, value):
        self.values[self.own.rank] = value
        self.barrier.wait()
        found = list(self.values)
        self.barrier.wait()
        return found

    def all_reduce(self, tensor):
        tensor.copy_(torch.stack(self.meet(tensor.clone())).sum(0))

    def all_gather_object(self, values, value):
        values[:] = self.meet(value)

    def everyone(self):
        return [Processes(torch.device("cpu"), rank=rank, count=self.count) for rank in range(self.count)]

    def run(self, work):
        """``work(processes)`` in every thread; the results by rank."""

        def one(processes):
            self.own.rank = processes.rank
            return work(processes)

        with ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(one, self.everyone()))


@pytest.fixture
def hall(monkeypatch):
    made = Hall(2)
    monkeypatch.setattr(module, "distributed", made)
    return made


def test_one_is_by_itself(cpu):
    assert cpu.first
    assert cpu.gather("a") == ["a"]
    assert cpu.add_up(torch.tensor(3.0)) == 3
    with cpu.first_before_others():
        pass


def test_together(hall):
    assert hall.run(lambda p: p.add_up(torch.tensor(p.rank + 1.0)).item()) == [3.0, 3.0]
    assert hall.run(lambda p: p.gather(p.rank)) == [[0, 1], [0, 1]]


def test_the_first_goes_first(hall):
    order = []

    def work(processes):
        with processes.first_before_others():
            order.append(processes.rank)

    hall.run(work)
    assert order == [0, 1]


@pytest.mark.parametrize("options", [{}, {"ema": 0.5, "clip_norm": 0.1}, {"dice": "all", "background_weight": 0.1}])
def test_a_step_is_that_of_one_process_with_all_patches(hall, small_trainer, small_patches, options):
    whole = small_patches(4)
    alone = small_trainer(double=True, batch_size=4, **options)
    expected = [alone.train_step(whole) for _ in range(3)]

    # Made one after the other: threads share torch's random numbers.
    trainers = [small_trainer(one, double=True, batch_size=4, **options) for one in hall.everyone()]

    def work(processes):
        trainer = trainers[processes.rank]
        share = list(whole.parts(2))[processes.rank]
        return trainer, [trainer.train_step(share) for _ in range(3)]

    for trainer, reports in hall.run(work):
        for name, values in trainer.exported.state_dict().items():
            torch.testing.assert_close(values, alone.exported.state_dict()[name], rtol=1e-9, atol=1e-11)
        for report, one in zip(reports, expected, strict=True):
            for name, loss in report.losses.items():
                torch.testing.assert_close(loss.dice, one.losses[name].dice)
                torch.testing.assert_close(loss.total, one.losses[name].total)


def test_with_batch_normalisation_all_have_the_same_weights_and_statistics(hall, small_trainer, small_patches):
    whole = small_patches(4)

    trainers = [small_trainer(one, double=True, batch_size=4, norm="batch") for one in hall.everyone()]

    def work(processes):
        trainer = trainers[processes.rank]
        trainer.train_step(list(whole.parts(2))[processes.rank])
        return trainer.model.state_dict()

    one, other = hall.run(work)
    assert any("running" in name for name in one)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_another_one_is_gone(monkeypatch):
    class Gone:
        @staticmethod
        def all_reduce(tensor):
            msg = "Connection closed by peer"
            raise RuntimeError(msg)

    monkeypatch.setattr(module, "distributed", Gone)
    with pytest.raises(ProcessesError, match=r"process 1 of 2: another process of this run has ended; .* --resume"):
        Processes(torch.device("cpu"), rank=1, count=2).add_up(torch.zeros(1))


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, 1),
        ({"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4"}, 4),
        ({"SLURM_STEP_NUM_TASKS": "3"}, 3),
        ({"SLURM_NTASKS": "3"}, 1),  # in a batch script, outside of srun
    ],
)
def test_what_launchers_say(monkeypatch, variables, count):
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_STEP_NUM_TASKS", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launched() == count


def test_machines_of_unequal_size(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.setenv("SLURM_STEP_NUM_NODES", "2")
    with pytest.raises(SettingError, match="3 processes on 2 machines: every machine must have equally many"):
        module._machines(3)
