"""The rows as tables: for a terminal, and in Markdown for the documentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from inference.claims import Claim, claims
from inference.row import Row

_TITLES = {
    "peers": "Against peers: same network, tiles and overlap",
    "contexts": "Contexts on a large grid",
    "linear": "Growth with the scan",
    "large": "A large scan through the command",
    "chest": "A real chest CT, stage by stage",
}


@dataclass(frozen=True)
class _Column:
    title: str
    text: Callable[[Row], str]


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else ""


def _per_million(row: Row) -> str:
    i, j, k = row.shape
    return _number(None if row.seconds is None else row.seconds / (i * j * k / 1e6), ".2f")


def _network_share(row: Row) -> str:
    return _number(row.more.get("network_share"), ".0%")


_METHOD = _Column("method", lambda row: row.method.replace("_", " "))
_PRECISION = _Column("precision", lambda row: row.precision)
_CONTEXTS = _Column("contexts", lambda row: str(row.contexts))
_SHAPE = _Column("voxels", lambda row: "x".join(map(str, row.shape)))
_SECONDS = _Column("seconds", lambda row: _number(row.seconds, ".2f"))
_CPU = _Column("CPU s", lambda row: _number(row.more.get("cpu_seconds"), ".2f"))
_NETWORK = _Column("network", _network_share)
_PEAK = _Column("peak GiB", lambda row: _number(row.peak_gib, ".2f"))
_BEFORE = _Column("before GiB", lambda row: _number(row.more.get("before_gib"), ".2f"))
_AGREEMENT = _Column("same label", lambda row: _number(row.agreement, ".5f"))
_BONE = _Column("same bone", lambda row: _number(row.bone_agreement, ".4f"))
_TILES = _Column("tiles", lambda row: _number(row.more.get("tiles"), "d"))
_OVERLAP = _Column("overlap", lambda row: _number(row.more.get("overlap"), ".0%"))
_MIXED = _Column("mixed", lambda row: _number(row.more.get("mixed"), ".1%"))
_BEYOND = _Column("beyond the scan, GiB", lambda row: _number(row.more.get("beyond_scan_gib"), ".2f"))
_GPU = _Column("GPU GiB", lambda row: _number(row.more.get("gpu_gib"), ".2f"))
_FORECAST = _Column("forecast GiB", lambda row: _number(row.more.get("gpu_gib") and row.more["forecast_gib"], ".2f"))
_MILLION = _Column("s per million", _per_million)

_MEASURED = (_SECONDS, _CPU, _NETWORK, _PEAK, _BEFORE, _GPU, _FORECAST)
_COLUMNS = {
    "peers": (_CONTEXTS, _METHOD, _PRECISION, _SHAPE, *_MEASURED, _AGREEMENT, _BONE, _TILES, _MIXED),
    "contexts": (_CONTEXTS, _PRECISION, _SHAPE, _OVERLAP, *_MEASURED, _TILES, _MIXED),
    "linear": (_SHAPE, _PRECISION, *_MEASURED, _TILES, _MILLION),
    "large": (_METHOD, _SHAPE, _SECONDS, _PEAK, _BEYOND),
    "chest": (_METHOD, _SHAPE, _SECONDS, _PEAK),
}


def show(rows: Sequence[Row], console: Console) -> None:
    """Draw every part's table, then the goals."""
    for part, own in _by_part(rows).items():
        table = Table(*(column.title for column in _COLUMNS[part]), title=_TITLES[part])
        for row in own:
            table.add_row(*_cells(row, part))
        console.print(table)
    found = claims(rows)
    if found:
        table = Table("goal", "found", "wanted", "", title="Goals")
        for claim in found:
            table.add_row(claim.text, _found(claim), claim.wanted, "met" if claim.met else "missed")
        console.print(table)


def markdown(rows: Sequence[Row]) -> str:
    """The same in Markdown."""
    blocks = []
    for part, own in _by_part(rows).items():
        table = _markdown_table([column.title for column in _COLUMNS[part]], [_cells(row, part) for row in own])
        blocks.append(f"### {_TITLES[part]}\n\n{table}")
    found = claims(rows)
    if found:
        cells = [[claim.text, _found(claim), claim.wanted] for claim in found]
        blocks.append(f"### Goals\n\n{_markdown_table(['goal', 'found', 'wanted'], cells)}")
    return "\n\n".join(blocks)


def _by_part(rows: Sequence[Row]) -> dict[str, list[Row]]:
    return {part: own for part in _TITLES if (own := [row for row in rows if row.part == part])}


def _cells(row: Row, part: str) -> list[str]:
    if row.skipped is None:
        return [column.text(row) for column in _COLUMNS[part]]
    return [column.text(row) if column is not _SECONDS else f"skipped: {row.skipped}" for column in _COLUMNS[part]]


def _found(claim: Claim) -> str:
    return f"{claim.found:.5g}{claim.unit}"


def _markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (titles, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])
