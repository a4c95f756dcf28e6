"""What README and docs say is true: their Python runs, their commands and options exist, their links lead somewhere.

Python blocks run in an empty folder with one small CT, ``scan.nii.gz``. One that must not run (hours of work, a file
of the reader's) is opened with ``python {test="skip"}``.
"""

import importlib
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from pytest_examples import CodeExample, find_examples

from sneakynet.cli.main import COMMANDS, main
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_scan

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLES = [example for page in PAGES for example in find_examples(page)]

_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1``` *$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
_SHELLS = {"bash", "sh", "shell", "console"}
_BEFORE_A_COMMAND = {"do", "then", "else", "time", "!", "{"}


@dataclass(frozen=True)
class Command:
    """Arguments of `sneakynet` somewhere in a page.

    ``whole`` ones stand in a shell block: they can be pasted, so all of it must parse. Others are synopses with
    placeholders, of which the names of command and options are looked at.
    """

    place: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self):
        return f"{self.place} {' '.join(self.words)}"


def commands_of(text: str, *, page: str) -> Iterator[Command]:
    for fence in _FENCE.finditer(text):
        language = fence[2].strip()
        place = f"{page}:{_line(text, fence.start())}"
        if language in _SHELLS:
            for words in map(_arguments, _simple_commands(fence[3], prompts=language == "console")):
                if words:
                    yield Command(place, words, whole=True)
        elif not language:
            for line in fence[3].splitlines():
                if line.strip().startswith("sneakynet "):
                    yield Command(place, tuple(line.split()[1:]), whole=False)
    prose = _without_fences(text)
    for code in _INLINE.finditer(prose):
        if code[1].startswith("sneakynet "):
            yield Command(f"{page}:{_line(prose, code.start())}", tuple(code[1].split()[1:]), whole=False)


def _simple_commands(script: str, *, prompts: bool) -> Iterator[list[str]]:
    """The commands of a shell script, without pipes, redirections and comments."""
    lines = script.replace("\\\n", " ").splitlines()
    if prompts:
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        to_a_file = False
        for token in lexer:
            if set(token) <= set("();<>|&"):
                to_a_file = "<" in token or ">" in token
                if not to_a_file:
                    yield words
                    words = []
            elif to_a_file:
                to_a_file = False
            else:
                words.append(token)
        yield words


def _arguments(words: list[str]) -> tuple[str, ...]:
    """What follows `sneakynet`, if that is what is called."""
    while words and (words[0] in _BEFORE_A_COMMAND or re.match(r"\w+=", words[0])):
        words = words[1:]
    if words[1:3] == ["-m", "sneakynet"]:
        return tuple(words[3:])
    return tuple(words[1:]) if words and Path(words[0]).name == "sneakynet" else ()


def fault_of(command: Command) -> str | None:
    """What is wrong with a command line. The command itself does not run."""
    name = command.words[0]
    if name.startswith("-") or (name.isupper() and not command.whole):  # the program's own option, a placeholder
        return None
    if name not in COMMANDS:
        return f"no command {name!r}; there is: {', '.join(COMMANDS)}"
    if not command.whole:
        unknown = {*_OPTION.findall(" ".join(command.words))} - _options(name)
        return f"{name} has no {', '.join(sorted(unknown))}" if unknown else None
    module = importlib.import_module(f"sneakynet.cli.{name}")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        patch.setattr(module, "run", _parsing_only(module.run))
        patch.delattr(module, "defaults", raising=False)  # it reads files that the page only speaks of
        status = main(command.words)
    return None if status == 0 else said.getvalue()


def _parsing_only(run):
    @wraps(run)
    def parsed(_):
        pass

    return parsed


@cache
def _options(name: str) -> frozenset[str]:
    """Every option that a command's help names."""
    said = io.StringIO()
    with redirect_stdout(said):
        assert main([name, "--help"]) == 0
    return frozenset(_OPTION.findall(said.getvalue()))


def faulty_links(page: Path) -> list[str]:
    """Links to files or headings that are not there."""
    faults = []
    for link in _LINK.finditer(_without_fences(page.read_text("utf-8"))):
        url = urlsplit(link[1])
        target = page.parent / url.path if url.path else page
        if url.scheme:
            continue
        if not target.exists():
            faults.append(f"{link[1]}: no such file")
        elif url.fragment and url.fragment not in _anchors(target):
            faults.append(f"{link[1]}: no such heading")
    return faults


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+?) *$", _without_fences(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_fences(text: str) -> str:
    """The prose alone, on the same lines."""
    return _FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def run_example(example: CodeExample) -> None:
    """Run a block with its page as the file, so that a traceback names the page's own lines.

    Not with pytest-examples' runner: under Python 3.11 a block that fails there ends the whole pytest run.
    """
    code = compile("\n" * example.start_line + example.source, example.path, "exec")
    exec(code, {"__name__": "__main__"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder but for a scan of 10 cm edge: a rod of bone in water, in air."""
    monkeypatch.chdir(tmp_path)
    voxels = np.full((24, 24, 24), -1000, dtype=np.int16)
    voxels[4:20, 4:20] = 0
    voxels[10:14, 10:14] = 600
    write_scan(tmp_path / "scan.nii.gz", Volume(voxels, np.diag([4.0, 4.0, 4.0, 1.0])))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{_name(example.path)}:{example.start_line}")
@pytest.mark.usefixtures("folder")
def test_python_runs(example):
    if example.prefix_settings().get("test") == "skip":
        pytest.skip("the page says so")
    run_example(example)


@pytest.mark.parametrize(
    "command", [c for page in PAGES for c in commands_of(page.read_text("utf-8"), page=_name(page))], ids=str
)
def test_commands_exist(command):
    assert fault_of(command) is None


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    assert faulty_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_make_targets_exist(page):
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    text = page.read_text("utf-8")
    code = "\n".join([fence[3] for fence in _FENCE.finditer(text)] + _INLINE.findall(_without_fences(text)))
    assert {*re.findall(r"^make ([a-z]+)", code, re.MULTILINE)} <= {*targets}


# The checks above can fail.


def test_a_wrong_example_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\nassert x == 2\n```\n")
    (example,) = find_examples(page)
    with pytest.raises(AssertionError) as caught:
        run_example(example)
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno + 1) == (page, 5)


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ("```bash\nsneakynet bonse\n```", "no command 'bonse'"),
        ("```sh\ncd x && sneakynet bones --loud  # all\n```", "--loud"),
        ("```console\n$ sneakynet evaluate p r\nmedian\n```", "output"),
        ("```bash\nfor f in *; do A=1 .venv/bin/sneakynet train \\\n  $f -o x --variant F; done\n```", "variant"),
        ("```\nsneakynet evaluate PREDICTION REFERENCE -o DIR [--loud]\n```", "evaluate has no --loud"),
        ("Try `sneakynet bones --table FILE --quiet`.", "bones has no --quiet"),
    ],
)
def test_a_wrong_command_is_found(block, fault):
    (command,) = commands_of(f"# Page\n\n{block}\n", page="page.md")
    assert fault in fault_of(command)


@pytest.mark.parametrize(
    "block",
    [
        "```bash\nsneakynet bones --json > bones.json\n```",
        "```console\n$ python -m sneakynet evaluate p r --output x | head\n```",
        "`sneakynet COMMAND --help`",
        "`sneakynet --version`",
    ],
)
def test_a_right_command_is_not(block):
    (command,) = commands_of(block, page="page.md")
    assert fault_of(command) is None


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# The end\n[a](#the-end) [b](page.md#no) [c](gone.md)\n```\n[d](x)\n```\n[e](https://x.org)\n")
    assert faulty_links(page) == ["page.md#no: no such heading", "gone.md: no such file"]
