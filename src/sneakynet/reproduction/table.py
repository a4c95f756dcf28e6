"""A table of the page: words and figures, before they are written as Markdown or HTML."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PageTable:
    """One table.

    Args:
        title: above it.
        header: of the columns.
        rows: texts, as many as columns; the first names the row.
        note: below it.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def number(value: float | None, *, digits: int = 2, none: str = "-") -> str:
    """A figure, or what stands for none."""
    return none if value is None else f"{value:.{digits}f}"


def share(value: float | None, *, none: str = "-") -> str:
    """A share as per cent."""
    return none if value is None else f"{value:.1%}"


def between(interval: Sequence[float] | None, *, sign: str = "") -> str:
    """An interval, or nothing."""
    return "" if interval is None else f" [{interval[0]:{sign}.2f}, {interval[1]:{sign}.2f}]"
