"""The frame of the command line: exit statuses, messages, and what is loaded when."""

import errno
import json
import logging
import subprocess
import sys
import warnings
from dataclasses import dataclass
from types import ModuleType

import pytest
from tyro.conf import Positional

from sneakynet.cli.main import COMMANDS, main
from sneakynet.errors import SettingError


@pytest.fixture
def command(monkeypatch):
    """Adds a command whose ``run`` is given; returns the function that adds it."""

    def add(run):
        module = ModuleType("sneakynet.cli.probe")
        module.run = run
        monkeypatch.setitem(sys.modules, "sneakynet.cli.probe", module)
        monkeypatch.setitem(COMMANDS, "probe", "Try the frame.")

    return add


@dataclass(frozen=True)
class Settings:
    path: Positional[str] = "here"
    """Where."""
    loud: bool = False
    """How."""


def raising(error):
    def run(_: Settings) -> None:
        raise error

    return run


def test_overview_lists_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out and text in out for name, text in COMMANDS.items())


def test_nothing_to_do_is_a_usage_error(capsys):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: sneakynet")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sneakynet ")


def test_unknown_command_names_the_near_one(capsys):
    assert main(["bonse"]) == 2
    assert capsys.readouterr().err == "error: no command 'bonse'; did you mean `sneakynet bones`?\n"
    assert main(["zzz"]) == 2
    assert f"error: no command 'zzz'; there is: {', '.join(COMMANDS)}" in capsys.readouterr().err


def test_settings_come_from_the_command_line(command):
    seen = []

    def run(settings: Settings) -> None:
        seen.append(settings)

    command(run)
    assert main(["probe"]) == 0
    assert main(["probe", "there", "--loud"]) == 0
    assert seen == [Settings(), Settings("there", loud=True)]


def test_wrong_option_is_a_usage_error(command, capsys):
    command(raising(AssertionError))
    assert main(["probe", "--soft"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--soft" in err


def test_help_of_a_command(command, capsys):
    command(raising(AssertionError))
    assert main(["probe", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Try the frame." in out
    assert "Where." in out


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (SettingError("no such device"), 2, "error: no such device\n"),
        (MemoryError(), 2, "error: out of memory; close other programs or give a smaller scan\n"),
        (OSError(errno.ENOSPC, "No space left"), 2, "error: the disk is full; free some space and run the command"),
        (
            ModuleNotFoundError("No module named 'vtkmodules.util'", name="vtkmodules.util"),
            2,
            "error: this needs the package vtkmodules, which is not installed; run pip install 'sneakynet[phantom]'\n",
        ),
        (
            ModuleNotFoundError("No module named 'tensorboard'", name="tensorboard"),
            2,
            "error: this needs the package tensorboard, which is not installed; run pip install 'sneakynet[train]'\n",
        ),
        (ModuleNotFoundError("No module named 'numpi'", name="numpi"), 1, "error: ModuleNotFoundError: No module"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ZeroDivisionError("by zero"), 1, "error: ZeroDivisionError: by zero\nThis is a fault of sneakynet, not of"),
    ],
)
def test_errors_become_a_message_and_a_status(command, capsys, error, status, text):
    command(raising(error))
    assert main(["probe"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(text)
    assert "Traceback" not in err


def test_debug_shows_where_an_error_arose(command, capsys):
    command(raising(ZeroDivisionError("by zero")))
    assert main(["--debug", "probe"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "in run" in err


@pytest.mark.filterwarnings("default:mind the gap")
def test_warnings_are_one_line_on_stderr(command, capsys):
    def run(_: Settings) -> None:
        warnings.warn("mind the gap", stacklevel=1)

    command(run)
    assert main(["probe"]) == 0
    assert capsys.readouterr() == ("", "warning: mind the gap\n")


def test_log_messages_are_one_line_on_stderr(command, capsys):
    def run(_: Settings) -> None:
        logging.getLogger("sneakynet.somewhere").warning("%s is odd", "this")

    command(run)
    assert main(["probe"]) == 0
    assert capsys.readouterr() == ("", "warning: this is odd\n")


def test_a_reader_that_goes_away_is_no_error():
    code = "import sys; from sneakynet.cli.main import main; sys.exit(main(['bones', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert err == ""


def test_the_overview_loads_neither_torch_nor_a_renderer():
    code = (
        "import json, sys; from sneakynet.cli.main import main; main(['--help']); "
        "print(json.dumps([m for m in ('torch', 'vtkmodules', 'mujoco', 'matplotlib', 'tyro') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "sneakynet", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sneakynet ")
