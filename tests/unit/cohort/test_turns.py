from pathlib import Path

from sneakynet.cohort.case import plan_cases
from sneakynet.cohort.turns import Turns

A, B = plan_cases([Path("a.nii"), Path("b.nii")], Path("out"), format="nii.gz")


def test_every_case_has_its_turn() -> None:
    turns = Turns([A, B], retries=2)
    assert [turns.next(), turns.next(), turns.next()] == [A, B, None]
    assert turns.open
    assert not turns.waiting
    turns.done(A)
    assert turns.open
    turns.done(B)
    assert not turns.open


def test_a_case_whose_worker_died_waits_behind_the_others() -> None:
    turns = Turns([A, B], retries=2)
    assert turns.next() == A
    assert turns.died(A) == 1
    assert turns.waiting
    assert [turns.next(), turns.next(), turns.next()] == [B, A, None]


def test_a_case_that_kills_its_workers_is_given_up() -> None:
    turns = Turns([A], retries=2)
    for deaths in (1, 2, 3):
        assert turns.open
        assert turns.next() == A
        assert turns.died(A) == deaths
    assert turns.next() is None
    assert not turns.open


def test_without_retries_a_case_is_given_up_at_once() -> None:
    turns = Turns([A], retries=0)
    turns.next()
    assert turns.died(A) == 1
    assert not turns.open
