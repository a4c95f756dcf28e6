"""What a run shows while it goes: on a terminal a table that lives, elsewhere a line now and then."""

import sys
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from sneakynet.training.progress import Reporter

_KEPT_ROWS = 6


class LiveTable:
    """Step, losses, DSC, speed, waiting, memory and time left, on stderr.

    Args:
        total: steps of the run.
        done: steps done already.
        quiet: show nothing.
        console: by default that of stderr.
    """

    def __init__(self, *, total: int, done: int = 0, quiet: bool = False, console: Console | None = None) -> None:
        self._total, self._done, self._first = total, done, done
        self._started = time.monotonic()
        console = console or Console(file=sys.stderr)
        self._past: deque[dict[str, str]] = deque(maxlen=_KEPT_ROWS)
        self._row: dict[str, str] = {}
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal and not quiet else None
        self._lines = Reporter("training", total=total, done=done, quiet=quiet or self._live is not None)

    def update(self, done: int, facts: Mapping[str, float | str]) -> None:
        """Show how many steps are done, and the facts in a column each."""
        if self._live is None:
            self._lines.update(done, facts)
            return
        self._done = done
        left = (time.monotonic() - self._started) / max(1, done - self._first) * (self._total - done)
        texts = {key: value if isinstance(value, str) else f"{value:.3f}" for key, value in facts.items()}
        self._row = {"step": f"{done}", **texts, "left": _duration(left)}
        self._live.update(self._drawn())

    def say(self, text: str) -> None:
        """Print a line above the table; the row of that moment stays in it."""
        if self._live is None:
            self._lines.say(text)
            return
        self._past.append(self._row)
        self._live.console.print(text, highlight=False)

    def __enter__(self) -> "LiveTable":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _drawn(self) -> Group:
        table = Table(title=f"step {self._done} of {self._total}", title_justify="left")
        for column in self._row:
            table.add_column(column, justify="right")
        for row in self._past:
            table.add_row(*(row.get(column, "") for column in self._row), style="dim")
        table.add_row(*self._row.values())
        return Group(table, ProgressBar(total=self._total, completed=self._done, width=60))


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes >= 60 else f"{seconds / 60:.1f} min"
