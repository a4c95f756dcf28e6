from pathlib import Path

import pytest

from sneakynet.cohort.bars import CohortBars
from sneakynet.cohort.case import plan_cases

A, B = plan_cases([Path("ann.nii"), Path("ben.nii")], Path("out"), format="nii.gz")


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    with CohortBars(2) as bars:
        for case in (A, B):
            tiles = bars.begin(case)
            tiles(1, 7)
            tiles(7, 7)
            bars.advance()
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_a_terminal_shows_scans_and_tiles(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes this for a terminal
    monkeypatch.setenv("COLUMNS", "120")
    err = shown(capsys)
    for text in ("ben", "2/2", "scans", "7/7", "tiles"):
        assert text in err


def test_elsewhere_nothing_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert shown(capsys) == ""
