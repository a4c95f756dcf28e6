import io

import pytest
from rich.console import Console

from sneakynet.training.live_table import LiveTable, _duration


def console(*, terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def test_a_table_on_a_terminal():
    on = console(terminal=True)
    with LiveTable(total=10, console=on) as table:
        table.update(1, {"target": 4.25, "steps/s": "3.10"})
        table.say("step 1: validation")
        table.update(2, {"target": 4.0, "steps/s": "3.20", "DSC": 0.5})
    shown = on.file.getvalue()
    for text in ("step 2 of 10", "target", "steps/s", "DSC", "left", "4.000", "0.500", "step 1: validation", "4.250"):
        assert text in shown


def test_lines_elsewhere(capsys, monkeypatch):
    monkeypatch.setattr("sneakynet.training.progress.SECONDS_BETWEEN_LINES", -1.0)
    with LiveTable(total=10, console=console(terminal=False)) as table:
        table.update(5, {"target": 4.25, "steps/s": "3.10"})
        table.say("step 5: validation")
    assert "training 5/10  target 4.25  steps/s 3.10" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet(capsys, terminal):
    on = console(terminal=terminal)
    with LiveTable(total=10, quiet=True, console=on) as table:
        table.update(1, {"target": 4.25})
        table.say("nothing")
    assert on.file.getvalue() + capsys.readouterr().err == ""


def test_durations():
    assert [_duration(seconds) for seconds in (90.0, 3600 * 5.5)] == ["1.5 min", "5:30 h"]
