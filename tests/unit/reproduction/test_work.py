from pathlib import Path

from sneakynet.reproduction import work
from sneakynet.reproduction.unit import Unit


def units(plan):
    folders = Path("nowhere"), Path("nowhere")
    return [Unit(plan, e, fold, *folders, "cpu", 1) for e in plan.experiments[:2] for fold in range(2)]


def test_fold_by_fold(plan):
    assert [unit.name for unit in work.in_order(units(plan))] == [
        "A_16 fold 0",
        "B_16_32 fold 0",
        "A_16 fold 1",
        "B_16_32 fold 1",
    ]


def test_nothing_begins_after_the_deadline(plan, monkeypatch):
    monkeypatch.setattr(work, "run_unit", lambda *_, **__: 1 / 0)
    assert not work.do_units(units(plan), jobs=1, deadline=1.0, quiet=True)
