"""The entry point: picks a command, parses its settings, and turns every error into one line and an exit status.

Results go to stdout; messages, warnings and progress go to stderr. Exit status: 0 done, 2 something the user can mend
(a wrong option, a file that cannot be used), 1 a fault of this program, 130 interrupted, 141 the reader went away.
"""

import difflib
import errno
import importlib
import logging
import os
import sys
import traceback
import typing
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from sneakynet.errors import SneakyNetError

COMMANDS = {
    "demo": "Show the whole path on a synthetic scan.",
    "bones": "Print the bone table.",
    "phantom": "Make labelled synthetic CT scans.",
    "paint": "Make CT scans of real label maps.",
    "segment": "Find the bones in CT scans.",
    "serve": "Take scans over the web, give their bones.",
    "check": "Find all faults of a dataset before training on it.",
    "train": "Train a network on labelled scans.",
    "evaluate": "Score label maps against references.",
    "compare": "Compare methods by their scores on the same cases.",
    "dicom": "Write label maps as DICOM SEG or RTSTRUCT.",
    "inspect": "Find label maps that should be looked at, without a reference.",
    "measure": "Measure the bones of label maps: size, place, density.",
    "report": "Make a page about the bones of a scan: pictures, figures, what to look at.",
    "reproduce": "Repeat the paper's experiments and print its tables beside ours.",
    "mesh": "Make surfaces of the bones, for 3D viewers, printing and AR.",
    "view": "Look at a scan and its bones in the browser.",
    "export": "Write a model for ONNX Runtime or OpenVINO.",
}
"""Command -> its line in the overview. Each is a file ``cli/<command>.py`` with a function ``run(settings)`` whose one
argument is a dataclass: the command line is made from its fields. The file is imported when the command is called,
so that an overview needs neither torch nor a renderer."""

_EXTRAS = {
    "blosc2": "train",
    "highdicom": "dicom",
    "lightning_fabric": "train",
    "edt": "phantom",
    "fastapi": "serve",
    "mujoco": "phantom",
    "myo_sim": "phantom",
    "vtk": "phantom",
    "vtkmodules": "phantom",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "openvino": "openvino",
    "manifold3d": "mesh",
    "pynetdicom": "serve",
    "ray": "cluster",
    "tensorboard": "train",
    "trimesh": "mesh",
}
"""Module that not every installation has -> the extra that brings it."""

_REPORT = (
    "This is a fault of sneakynet, not of your input. Run `sneakynet --debug ...` again and report what it prints."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: arguments without the program's name; None takes those of the process.

    Returns:
        The exit status (see the module's docstring).
    """
    args = list(sys.argv[1:] if argv is None else argv)
    debug = bool(args) and args[0] == "--debug"
    try:
        with _messages_on_stderr():
            status = _dispatch(args[1:] if debug else args)
        sys.stdout.flush()  # here, where a closed pipe is caught
    except SystemExit as stop:  # the parser's own exits: help (0) and usage errors (2)
        status = stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        status = _say("interrupted", status=130)
    except BrokenPipeError:
        # Python flushes stdout once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except Exception as error:  # the last place where a traceback can be kept from the user
        if debug:
            traceback.print_exc()
        status = _explain(error)
    return status


def _dispatch(args: list[str]) -> int:
    """Run the command that ``args`` begins with."""
    if not args or args[0] in {"-h", "--help"}:
        print(_overview(), file=sys.stdout if args else sys.stderr)
        return 0 if args else 2
    if args[0] == "--version":
        print(f"sneakynet {version('sneakynet')}")
        return 0
    name = args[0]
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `sneakynet {close[0]}`?" if close else f"there is: {', '.join(COMMANDS)}"
        return _say(f"error: no command {name!r}; {hint}", status=2)
    import tyro  # a quarter of a second that the overview does not need

    module = importlib.import_module(f"sneakynet.cli.{name}")
    run = module.run
    settings = next(iter(typing.get_type_hints(run).values()))
    # A command may take its defaults from a file that the arguments name.
    default = module.defaults(args[1:]) if hasattr(module, "defaults") else None
    run(
        tyro.cli(
            settings,
            prog=f"sneakynet {name}",
            description=COMMANDS[name],
            args=args[1:],
            default=tyro.MISSING_NONPROP if default is None else default,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    )
    return 0


def _overview() -> str:
    """What ``sneakynet --help`` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: sneakynet [--debug] COMMAND ...",
            "",
            "Distinct bone segmentation in upper-body CT.",
            "",
            "commands:",
            *lines,
            "",
            "  sneakynet COMMAND --help   a command's options",
            "  sneakynet --version        the version",
            "  sneakynet --debug COMMAND  show where an error arose",
        ]
    )


def _explain(error: Exception) -> int:
    """One message for an error that ended a command, and its exit status."""
    if isinstance(error, SneakyNetError):
        return _say(f"error: {error}", status=2)
    if isinstance(error, MemoryError):
        return _say("error: out of memory; close other programs or give a smaller scan", status=2)
    if isinstance(error, ModuleNotFoundError) and (module := (error.name or "").partition(".")[0]) in _EXTRAS:
        remedy = f"pip install 'sneakynet[{_EXTRAS[module]}]'"
        return _say(f"error: this needs the package {module}, which is not installed; run {remedy}", status=2)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _say("error: the disk is full; free some space and run the command again", status=2)
    return _say(f"error: {type(error).__name__}: {error}\n{_REPORT}", status=1)


def _say(text: str, *, status: int) -> int:
    print(text, file=sys.stderr)
    return status


@contextmanager
def _messages_on_stderr() -> Iterator[None]:
    """Log messages and warnings as one line each, without the source line that raised them."""
    handler = _OnStderr()
    logger = logging.getLogger("sneakynet")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: print(f"warning: {message}", file=sys.stderr)
            yield
    finally:
        logger.removeHandler(handler)


class _OnStderr(logging.Handler):
    """Writes to what sys.stderr is at the time: a progress bar takes its place, to keep messages above itself."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"{record.levelname.lower()}: {record.getMessage()}", file=sys.stderr)
