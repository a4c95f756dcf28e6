"""Progress of many scans on stderr; stdout is for data."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sneakynet.cohort.case import Case
from sneakynet.inference.predictor import Progress as Tiles


class CohortBars:
    """A bar over the scans and, below it, one over the tiles of the scan in hand. They go away in the end.

    Where stderr is no terminal, nothing is shown.

    Args:
        scans: how many there are.
    """

    def __init__(self, scans: int) -> None:
        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._scans = self._bars.add_task("all", total=scans, unit="scans")
        self._tiles = self._bars.add_task("", total=None, unit="tiles", visible=False)

    def begin(self, case: Case) -> Tiles:
        """Start the lower bar anew.

        Args:
            case: whose tiles come now.

        Returns:
            What to call with the tiles done and the tiles of all.
        """
        self._bars.reset(self._tiles, total=None, description=case.name, visible=True)
        return lambda done, total: self._bars.update(self._tiles, completed=done, total=total)

    def advance(self) -> None:
        """Count one more scan."""
        self._bars.update(self._scans, advance=1)

    def __enter__(self) -> "CohortBars":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
