from collections.abc import Callable
from pathlib import Path
from threading import Event, active_count
from typing import Any

import pytest

from sneakynet.cohort import pipeline
from sneakynet.cohort.case import Case, Outcome, plan_cases
from sneakynet.cohort.pipeline import segment_here
from sneakynet.errors import VolumeError
from sneakynet.inference.predictor import Predictor

CASES = plan_cases([Path(f"{n}.nii") for n in range(5)], Path("out"), format="nii.gz")
NETWORK = object.__new__(Predictor)  # the stages below do without
LONG = 20.0  # seconds, which only a failure waits for


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts other stages in the place of the real ones. A case stands for what they hand on."""

    def put(
        *,
        read: Callable[[Case], Any] = lambda case: case,
        find: Callable[[Case], Any] = lambda case: case,
        write: Callable[[Case], Any] = lambda case: case.done(bones=1, seconds=1.0),
    ) -> None:
        monkeypatch.setattr(pipeline, "read_case", read)
        monkeypatch.setattr(pipeline, "find_bones", lambda case, network, **_: find(case))
        monkeypatch.setattr(pipeline, "write_case", write)

    return put


def outcomes() -> list[Outcome]:
    told: list[Outcome] = []
    segment_here(CASES, NETWORK, report=told.append)
    return told


def test_every_case_is_reported_in_order(stages: Callable[..., None]) -> None:
    stages()
    assert outcomes() == [case.done(bones=1, seconds=1.0) for case in CASES]


def test_the_next_is_read_and_the_last_is_written_beside_the_network(stages: Callable[..., None]) -> None:
    reading, finding = ({case.name: Event() for case in CASES} for _ in range(2))
    order = {case.name: number for number, case in enumerate(CASES)}
    found: list[str] = []
    written: list[str] = []

    def beside(events: dict[str, Event], case: Case, step: int) -> bool:
        """Whether something has begun, or does so soon, with the case that many steps behind."""
        place = order[case.name] + step
        return not 0 <= place < len(CASES) or events[CASES[place].name].wait(LONG)

    def read(case: Case) -> Case:
        reading[case.name].set()
        assert len(found) >= order[case.name] - 1  # never two ahead
        return case

    def find(case: Case) -> Case:
        finding[case.name].set()
        assert beside(reading, case, 1)
        assert len(written) >= order[case.name] - 1  # never two behind
        found.append(case.name)
        return case

    def write(case: Case) -> Outcome:
        assert beside(finding, case, 1)
        written.append(case.name)
        return case.done(bones=1, seconds=1.0)

    stages(read=read, find=find, write=write)
    assert [outcome.error for outcome in outcomes()] == [None] * len(CASES)


@pytest.mark.parametrize("stage", ["read", "find", "write"])
@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_fails_in_a_stage_is_the_outcome_of_its_case(stages: Callable[..., None], stage: str, number: int) -> None:
    def fail(case: Case) -> Any:
        if case is CASES[number]:
            msg = "torn"
            raise VolumeError(msg)
        return case if stage != "write" else case.done(bones=1, seconds=1.0)

    stages(**{stage: fail})
    expected = [case.failed("torn") if case is CASES[number] else case.done(bones=1, seconds=1.0) for case in CASES]
    assert outcomes() == expected


@pytest.mark.parametrize("stage", ["find", "report"])
def test_an_interrupt_waits_for_what_is_being_written(stages: Callable[..., None], stage: str) -> None:
    finding, written = Event(), []

    def find(case: Case) -> Case:
        if case is CASES[2]:
            finding.set()
            if stage == "find":
                raise KeyboardInterrupt
        return case

    def write(case: Case) -> Outcome:
        if case is CASES[1]:
            assert finding.wait(LONG)
        written.append(case)
        return case.done(bones=1, seconds=1.0)

    def report(outcome: Outcome) -> None:
        if stage == "report" and outcome.case == CASES[1].name:
            raise KeyboardInterrupt

    stages(find=find, write=write)
    before = active_count()
    with pytest.raises(KeyboardInterrupt):
        segment_here(CASES, NETWORK, report=report)
    assert written == [*CASES[:2]]
    assert active_count() == before


def test_the_tiles_of_each_case_are_followed(stages: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []

    def begin(case: Case) -> Callable[[int, int], None]:
        return lambda done, total: told.append((case.name, done, total))

    stages()
    monkeypatch.setattr(pipeline, "find_bones", lambda case, network, progress, **_: (progress(1, 2), case)[1])
    segment_here(CASES[:2], NETWORK, report=lambda outcome: None, begin=begin)
    assert told == [("0", 1, 2), ("1", 1, 2)]
