"""What the rows say together: ratios, growth, and whether the goals are met."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inference.row import Row


@dataclass(frozen=True)
class Claim:
    """One goal and what was found; one of the two bounds is given.

    Args:
        text: what is compared.
        found: the figure.
        unit: behind the figure.
        at_least: what it should reach.
        at_most: what it should not pass.
    """

    text: str
    found: float
    unit: str = ""
    at_least: float = -math.inf
    at_most: float = math.inf

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.at_least <= self.found <= self.at_most

    @property
    def wanted(self) -> str:
        """The goal, for people."""
        bound, value = ("at most", self.at_most) if self.at_most < math.inf else ("at least", self.at_least)
        return f"{bound} {value:g}{self.unit}"


_FASTER = (
    ("bf16", ("monai", "f32"), 8.0),
    ("f32", ("monai", "f32"), 4.0),
    ("bf16", ("nnunet", "f32"), 30.0),
)
"""Our precision, the peer and its precision, how many times faster we should be."""


def claims(rows: Sequence[Row]) -> list[Claim]:
    """All that can be said of some rows; what was not measured is left out."""
    done = [row for row in rows if row.seconds is not None]
    return [*_against_peers(done), *_ours(done), *_contexts(done), *_large(done), *_linear(done)]


def _against_peers(rows: Sequence[Row]) -> Iterator[Claim]:
    alone = [row for row in rows if row.part == "peers" and not row.contexts]
    for shape in dict.fromkeys(row.shape for row in alone):
        by_method = {(row.method, row.precision): row for row in alone if row.shape == shape}
        grid = "x".join(map(str, shape))
        for precision, peer, goal in _FASTER:
            ours, theirs = by_method.get(("sneakynet", precision)), by_method.get(peer)
            if ours and theirs:
                text = f"{grid}: times faster in {precision} than {' '.join(peer)}"
                yield Claim(text, _seconds(theirs) / _seconds(ours), at_least=goal)
        ours, theirs = by_method.get(("sneakynet", "bf16")), by_method.get(("monai", "f32"))
        if ours and theirs and ours.peak_gib and theirs.peak_gib:
            yield Claim(f"{grid}: memory relative to monai's", ours.peak_gib / theirs.peak_gib, at_most=0.1)


def _ours(rows: Sequence[Row]) -> Iterator[Claim]:
    for row in (row for row in rows if row.part == "peers" and row.method == "sneakynet"):
        about = f"{row.precision}, {row.contexts} contexts"
        if row.precision == "f32" and row.agreement is not None:
            yield Claim(f"labels equal to the reference's, {about}", 100 * row.agreement, " %", at_least=99.99)
        if row.network_seconds is not None:
            share = 100 * row.network_seconds / _seconds(row)
            yield Claim(f"time within the network, {about}", share, " %", at_least=85.0)


def _contexts(rows: Sequence[Row]) -> Iterator[Claim]:
    own = [row for row in rows if row.part == "contexts"]
    for overlap in dict.fromkeys(row.more["overlap"] for row in own):
        by_number = {row.contexts: row for row in own if row.more["overlap"] == overlap}
        if {0, 3} <= by_number.keys():
            ratio = _seconds(by_number[3]) / _seconds(by_number[0])
            yield Claim(f"large grid: time of 3 contexts relative to none, overlap {overlap:.0%}", ratio, at_most=1.25)


def _large(rows: Sequence[Row]) -> Iterator[Claim]:
    for row in (row for row in rows if row.part == "large"):
        beyond = row.more["beyond_scan_gib"]
        assert isinstance(beyond, float)
        yield Claim(f"memory beyond the scan's, {row.method}", beyond, " GiB", at_most=1.5)


def _linear(rows: Sequence[Row]) -> Iterator[Claim]:
    points = [(math.log(math.prod(row.shape)), math.log(_seconds(row))) for row in rows if row.part == "linear"]
    if len(points) > 1:
        x, y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
        slope = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
        yield Claim("seconds grow as voxels to the power of", slope, at_most=1.05)


def _seconds(row: Row) -> float:
    assert row.seconds is not None
    return row.seconds
