"""What a run shows while it goes: a live bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0


class Reporter:
    """Shows progress on stderr.

    Args:
        task: what is counted, in one word.
        total: how many.
        done: how many are done already.
        quiet: show nothing.
    """

    def __init__(self, task: str, *, total: int, done: int = 0, quiet: bool = False) -> None:
        self.task, self.total, self.done, self.first = task, total, done, done
        self.started = self.shown = time.monotonic()
        self.quiet = quiet
        console = Console(file=sys.stderr)
        self._bar = (
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[facts]}"),
                TimeRemainingColumn(),
                console=console,
            )
            if console.is_terminal and not quiet
            else None
        )
        self._row = None if self._bar is None else self._bar.add_task(task, total=total, completed=done, facts="")

    def update(self, done: int, facts: Mapping[str, float | str]) -> None:
        """Show how many are done, and some facts beside it."""
        self.done = done
        text = "  ".join(f"{key} {value if isinstance(value, str) else f'{value:.3g}'}" for key, value in facts.items())
        if self._bar is not None and self._row is not None:
            self._bar.update(self._row, completed=done, facts=text)
        elif time.monotonic() - self.shown > SECONDS_BETWEEN_LINES:
            self.shown = time.monotonic()
            left = (self.shown - self.started) / max(1, done - self.first) * (self.total - done)
            self.say(f"{self.task} {done}/{self.total}  {text}  {left / 60:.1f} min left")

    def say(self, text: str) -> None:
        """Print a line without disturbing the bar."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False)
        elif not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> "Reporter":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
