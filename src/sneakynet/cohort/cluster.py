"""Many scans on several machines or GPUs: workers of a Ray cluster do whole cases, on files that all machines see."""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ray
import torch
from ray.exceptions import RayError, RayTaskError

from sneakynet.cohort.case import Case, Outcome
from sneakynet.cohort.kept_messages import KeptMessages
from sneakynet.cohort.model_choice import ModelChoice
from sneakynet.cohort.share import Node, Share, share_out
from sneakynet.cohort.stages import attempt, segment_case
from sneakynet.cohort.turns import Turns
from sneakynet.errors import SettingError, SneakyNetError
from sneakynet.volumes.atomic import make_folder, sweep_parts

_LOG = logging.getLogger(__name__)

# Results are a few words; the smallest store that Ray starts with.
_STORE = 100 * 2**20
# Seconds.
_PATIENCE = 30.0
_DYING = 10.0
_CONNECTING = 5.0


@dataclass(frozen=True)
class ClusterSettings:
    """Where the workers run.

    Args:
        address: ``auto`` or ``host:port`` joins the cluster that runs there; None starts one on this machine.
        workers: how many; None is as many as there are GPUs, and without GPUs machines.
        device: see `share_out`.
        retries: how often a case is tried again whose worker died.
    """

    address: str | None = None
    workers: int | None = None
    device: str = "auto"
    retries: int = 2


def segment_on_cluster(
    cases: Sequence[Case], model: ModelChoice, settings: ClusterSettings, *, report: Callable[[Outcome], None]
) -> None:
    """Hand the cases out, one at a time to whichever worker is free.

    A worker that dies is replaced, and its case tried again. Where the block is left by an exception (Ctrl-C), all
    workers end, and what they had half-written is removed.

    Args:
        cases: at least one; their files must be seen by all machines under the same names.
        model: each worker loads it once; its file must be seen by all machines too.
        settings: where the workers run.
        report: told every outcome, in the order in which they come.

    Raises:
        SettingError: no cluster at the address, or one that cannot give what is asked.
        OutputError: the results' folder cannot be written.
        SneakyNetError: the model cannot be loaded, or workers die over it.
    """
    with _cluster(settings.address):
        nodes = [
            Node(int(node["Resources"].get("CPU", 0)), int(node["Resources"].get("GPU", 0)))
            for node in ray.nodes()
            if node["Alive"]
        ]
        share = share_out(nodes, cases=len(cases), workers=settings.workers, device=settings.device)
        crew = _Crew(share, _absolute_model(model), Turns(map(_absolute, cases), retries=settings.retries))
        named = {case.name: case for case in cases}
        try:
            for outcome in crew.work():
                report(_as_named(outcome, named[outcome.case]))
        finally:
            crew.end()


class _Worker:
    """Does whole cases in a process of its own.

    Args:
        model: what to load.
        share: its device and number of threads.
    """

    def __init__(self, model: ModelChoice, share: Share) -> None:
        self._model, self._share = model, share
        self._warnings = KeptMessages(logging.WARNING)
        logging.getLogger("sneakynet").addHandler(self._warnings)

    def start(self) -> None:
        """Load the model. Apart from the making of the worker, so that an error comes back as what it is."""
        # Workers on one machine share its cores; Ray takes care that those of all together are not more than it has.
        torch.set_num_threads(self._share.cpus)
        self._predictor = self._model.load(self._share.device)

    def do(self, case: Case) -> tuple[Outcome, list[str]]:
        """Read, segment and write one case.

        Returns:
            What became of it, and the warnings on the way.
        """
        outcome = attempt(case, partial(segment_case, case, self._predictor))
        # With the first case come those from loading the model.
        return outcome, self._warnings.take()


class _Crew:
    """The workers and what each has in hand.

    Args:
        share: how many, and what each gets.
        model: for the workers.
        turns: the cases.
    """

    def __init__(self, share: Share, model: ModelChoice, turns: Turns) -> None:
        self._hire = partial(
            ray.remote(num_cpus=share.cpus, num_gpus=share.gpus, max_restarts=0, max_task_retries=0)(_Worker).remote,
            model,
            share,
        )
        self._size, self._turns = share.workers, turns
        # What is awaited -> whose it is, and the case in its hands; without a case it is loading the model.
        self._busy: dict[Any, tuple[Any, Case | None]] = {}
        self._idle: list[Any] = []
        self._false_starts = 0

    def work(self) -> Iterator[Outcome]:
        """Have all cases done.

        Yields:
            Outcomes, as they come.

        Raises:
            SneakyNetError: the model cannot be loaded, or workers die over it.
        """
        for _ in range(self._size):
            self._start()
        warned = False
        while self._turns.open:
            ready, _ = ray.wait(list(self._busy), num_returns=1, timeout=_PATIENCE)
            if not ready and not warned and all(case is None for _, case in self._busy.values()):
                _LOG.warning("no worker has started yet; the cluster may be busy with other work")
                warned = True
            for awaited in ready:
                yield from self._take(*self._busy.pop(awaited), awaited)
                self._hand_out()

    def _take(self, worker: Any, case: Case | None, awaited: Any) -> Iterator[Outcome]:
        """See what has come of something that a worker was asked to do."""
        try:
            result = ray.get(awaited)
        except RayTaskError as error:
            raise error.cause from None
        except RayError as error:
            yield from self._bury(worker, case, error)
            return
        self._idle.append(worker)
        if case is None:
            self._false_starts = 0
        else:
            outcome, warnings = result
            for text in warnings:
                _LOG.warning("%s", text)
            self._turns.done(case)
            yield outcome

    def end(self) -> None:
        """End all workers, and remove what they had half-written."""
        hands = [case for _, case in self._busy.values() if case is not None]
        for worker in (*self._idle, *(worker for worker, _ in self._busy.values())):
            ray.kill(worker)
        if self._busy:
            ray.wait(list(self._busy), num_returns=len(self._busy), timeout=_DYING)
        for case in hands:
            sweep_parts(case.files)

    def _start(self) -> None:
        worker = self._hire()
        self._busy[worker.start.remote()] = (worker, None)

    def _hand_out(self) -> None:
        while self._idle and (case := self._turns.next()) is not None:
            make_folder(case.labels.parent)  # not before a worker is ready: a wrong model leaves nothing behind
            worker = self._idle.pop()
            self._busy[worker.do.remote(case)] = (worker, case)

    def _bury(self, worker: Any, case: Case | None, error: RayError) -> Iterator[Outcome]:
        """See to what a dead worker leaves: its half-written files, its case, its place."""
        # Where only the connection was lost it may live on, and write beside the one that takes its place.
        ray.kill(worker)
        if case is None:
            self._false_starts += 1
            if self._false_starts > self._turns.retries:
                msg = f"{self._false_starts} workers in a row died while they loaded the model: {_reason(error)}"
                raise SneakyNetError(msg) from error
        else:
            sweep_parts(case.files)
            deaths = self._turns.died(case)
            if deaths > self._turns.retries:
                yield case.failed(f"{deaths} workers died over it, the last so: {_reason(error)}")
            else:
                _LOG.warning(
                    "%s: its worker died, it is tried again (%d of %d)", case.name, deaths, self._turns.retries
                )
        if not self._idle and self._turns.waiting:
            self._start()


def _reason(error: RayError) -> str:
    """What Ray knows of a death, without its advice."""
    return _line(error).partition("Some common causes")[0].strip()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _absolute_model(model: ModelChoice) -> ModelChoice:
    """See `_absolute`."""
    return model if model.path is None else replace(model, path=model.path.absolute())


def _absolute(case: Case) -> Case:
    """With paths that hold everywhere: workers start in folders of their own."""
    return replace(
        case,
        input=case.input.absolute(),
        labels=case.labels.absolute(),
        statistics=case.statistics.absolute(),
        preview=None if case.preview is None else case.preview.absolute(),
        confidence=None if case.confidence is None else case.confidence.absolute(),
    )


def _as_named(outcome: Outcome, case: Case) -> Outcome:
    """The outcome with the paths that the user gave."""
    if outcome.bones is None or outcome.seconds is None:
        return outcome
    return case.done(bones=outcome.bones, seconds=outcome.seconds, order=outcome.order, cleanup=outcome.cleanup)


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Join a cluster, or have one on this machine while the block runs. Ray's own messages are not shown."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    own: dict[str, Any] = {"include_dashboard": False, "object_store_memory": _STORE} if address is None else {}
    if address is not None:
        _check_address(address)
    # Ray prints what happens to workers on stdout, which is for data.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            _connect(address, **own)
            yield
        finally:
            ray.shutdown()  # also what an interrupted start has started


def _connect(address: str | None, **own: Any) -> None:
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address is None:
            msg = f"cannot start a Ray cluster on this machine: {_line(error)}"
        else:
            msg = (
                f"cannot join the Ray cluster at {address}: {_line(error)}; this machine must be one of its nodes, and "
                "where it asks for a token, RAY_AUTH_MODE=token must be set here too"
            )
        raise SettingError(msg) from error


def _check_address(address: str) -> None:
    """Refuse an address where nothing answers: Ray itself would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        msg = f"a Ray cluster's address is auto or HOST:PORT (`ray start --head` shows it, port 6379), got {address!r}"
        raise SettingError(msg)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECTING):
            pass
    except (OSError, OverflowError) as error:
        msg = f"nothing answers at {address} ({error}); start a cluster with `ray start --head`, or leave --address out"
        raise SettingError(msg) from error
