"""The processes that train one network together, on one machine or several.

Lightning Fabric reads what torchrun or SLURM says (who is who, where the first process listens), gives every process
its GPU and joins them. It computes nothing: the many-class loss is taken over the patches of all processes at once
(`head_loss` sums a few numbers by class over them between its two passes), so gradients are added up and not averaged
as its DDP does, and the step is that of one process with all patches. Only the first process writes.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from sneakynet.errors import SettingError, SneakyNetError

# The first process may prepare a large dataset while the others wait.
_PATIENCE = timedelta(hours=6)

T = TypeVar("T")


class ProcessesError(SneakyNetError, RuntimeError):
    """Another process of the run is gone."""


@dataclass(frozen=True)
class Processes:
    """This process among those of a run. All must make the same calls in the same order.

    Args:
        device: of this process.
        rank: of this process, from 0.
        count: of all processes.
    """

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def add_up(self, tensor: Tensor) -> Tensor:
        """Put the sum over all processes in a tensor's place.

        Raises:
            ProcessesError: another process is gone.
        """
        if self.count > 1:
            with self._together():
                distributed.all_reduce(tensor)
        return tensor

    def gather(self, value: T) -> list[T]:
        """Every process's value, by rank.

        Raises:
            ProcessesError: another process is gone.
        """
        if self.count == 1:
            return [value]
        values: list[T | None] = [None] * self.count
        with self._together():
            distributed.all_gather_object(values, value)
        return values  # type: ignore[return-value]  # all are filled now

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """The first process passes through the block alone, then the others: they find what it has made.

        Raises:
            ProcessesError: another process is gone.
        """
        if not self.first:
            self.gather(None)
        yield
        if self.first:
            self.gather(None)

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # what torch makes of a connection that was closed
            msg = (
                f"process {self.rank} of {self.count}: another process of this run has ended; its own message says "
                "why. `sneakynet train -o RUN --resume`, launched the same way, goes on from the last checkpoint"
            )
            raise ProcessesError(msg) from error


def launched() -> int:
    """How many processes torchrun or SLURM's srun has started for this run; 1 where neither has."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["WORLD_SIZE"])
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


@contextmanager
def join(device: torch.device) -> Iterator[Processes]:
    """Join the processes that were launched together with this one, if any.

    Args:
        device: its kind decides; of several GPUs a process takes the one of its place on its machine.

    Raises:
        SettingError: the machines do not have equally many processes.
        ModuleNotFoundError: Lightning Fabric, of the extra ``train``, is not installed.
    """
    count = launched()
    if count == 1:
        yield Processes(device)
        return
    from lightning_fabric import Fabric  # seconds that a single process does not need
    from lightning_fabric.strategies.ddp import DDPStrategy

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it introduces every process
    machines = _machines(count)
    fabric = Fabric(
        accelerator=device.type,
        devices=count // machines,
        num_nodes=machines,
        strategy=DDPStrategy(timeout=_PATIENCE),
    )
    fabric.launch()
    try:
        yield Processes(fabric.device, rank=fabric.global_rank, count=fabric.world_size)
    finally:
        distributed.destroy_process_group()


def _machines(count: int) -> int:
    if "TORCHELASTIC_RUN_ID" in os.environ:
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        machines = count // here
    else:
        machines = int(os.environ.get("SLURM_STEP_NUM_NODES", os.environ.get("SLURM_NNODES", "1")))
        here = count // machines
    if machines * here != count:
        msg = f"{count} processes on {machines} machines: every machine must have equally many"
        raise SettingError(msg)
    return machines
