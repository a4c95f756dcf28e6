"""Ribs counted from above: of two that lie over each other the upper has the smaller number.

A rib crosses every vertical line at most once. So its pieces, though they do not meet the spine, can be counted: each
lies one level below the piece above it. What all pieces of a side are called then decides where the count begins.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cc3d
import numpy as np
from jaxtyping import Bool, Float, Integer
from scipy.ndimage import distance_transform_edt, find_objects
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from sneakynet.geometry.components import Box

_SPECK_MM3 = 500.0
"""What is smaller is not counted. A piece of rib as long as it is wide has 1000 and more."""

_SPECK_SHARE = 0.05
"""Nor is what has less than this share of the largest piece: it may be a speck of a wrong name between two ribs. The
shortest twelfth ribs of phantoms have 0.08."""

_BESIDE_MM = 6.0
"""A piece is taken to lie above or below another so far beside it too."""

_TWICE = 0.1
"""A piece that more than this share of its vertical lines cross twice is two ribs that touch."""

_LINES_MM2 = 36.0
"""Two pieces lie over each other where the lines that cross both cover so much at least."""

_NEXT = (0.4, 1.6)
"""The next rib lies as far below as ribs here do in the middle, times this range. With more, one is missing between."""

_GROWN_ON = 0.25
"""A piece that bears more of a number which the count leaves out is two ribs that meet end to end: it stays."""

_FEWEST = 3
"""Levels that are counted at least."""

_MISSING = 0.6
"""What a number that is left out costs; a piece that bears none of its own name costs 1."""

_CLEAR = 0.4
"""A level is renamed where any other number for it costs so much more."""


@dataclass(frozen=True, eq=False)
class _Piece:
    """Connected voxels of one side's ribs.

    Args:
        box: in the label map.
        mask: voxels within the box.
        height: middle of the voxels on each vertical line, mm, also a little beside the piece; NaN where none is.
        votes: share of its voxels by number, from 0; number 0 has none.
    """

    box: Box
    mask: Bool[np.ndarray, "_ _ _"]
    height: Float[np.ndarray, "x y"]
    votes: Float[np.ndarray, " number"]


def rename_stacked_ribs(
    labels: Integer[np.ndarray, "i j k"],
    spacing: tuple[float, float, float],
    ribs: Mapping[int, tuple[str, int]],
) -> tuple[Integer[np.ndarray, "i j k"], tuple[int, ...]]:
    """Name pieces of ribs by counting, where that is clear.

    Args:
        labels: class ids, axes in RAS+ order; left as they are.
        spacing: mm.
        ribs: label -> side and number, from 1.

    Returns:
        New labels, and those of pieces whose names the count contradicts, but not clearly enough.
    """
    renamed = labels.copy()
    doubtful: set[int] = set()
    if not np.isin(labels, [*ribs]).any():
        return renamed, ()
    for side in {side for side, _ in ribs.values()}:
        label_of = {number: label for label, (own, number) in ribs.items() if own == side}
        numbers = np.zeros(int(max(labels.max(), *ribs)) + 1, np.uint8)
        for number, label in label_of.items():
            numbers[label] = number
        pieces = _pieces(numbers[labels], spacing, most=max(label_of))
        for level_of in _stacks(pieces, spacing):
            count = _count(_votes(pieces, level_of))
            left_out = np.setdiff1d(np.arange(count.numbers[0], count.numbers[-1]), count.numbers)
            for n, level in level_of.items():
                number, called = int(count.numbers[level]), int(pieces[n].votes.argmax())
                if (pieces[n].votes[left_out] > _GROWN_ON).any():
                    continue
                if count.clear[level]:
                    renamed[pieces[n].box][pieces[n].mask] = label_of[number]
                elif number != called:
                    doubtful.add(label_of[called])
    return renamed, tuple(sorted(doubtful))


def _pieces(numbers: Integer[np.ndarray, "i j k"], spacing: tuple[float, float, float], *, most: int) -> list[_Piece]:
    """Of one side's ribs, each voxel with its number up to ``most`` or 0; ribs that touch are parted by their names."""
    parts = []
    for box, mask in _connected(numbers > 0, spacing):
        if _crossed_twice(mask) > _TWICE:
            inside = np.where(mask, numbers[box], 0)
            for number in np.unique(inside[mask]):
                parts += [(_within(box, part), own) for part, own in _connected(inside == number, spacing)]
        else:
            parts.append((box, mask))
    sizes = [np.count_nonzero(mask) for _, mask in parts]
    return [
        _piece(numbers, box, mask, spacing, most=most)
        for (box, mask), size in zip(parts, sizes, strict=True)
        if size >= _SPECK_SHARE * max(sizes)
    ]


def _connected(
    mask: Bool[np.ndarray, "i j k"], spacing: tuple[float, float, float]
) -> list[tuple[Box, Bool[np.ndarray, "_ _ _"]]]:
    """Components that are no specks: their boxes, and the voxels within each."""
    parts = cc3d.connected_components(mask, connectivity=26)
    found = []
    for number, box in enumerate(find_objects(parts), start=1):
        i, j, k = box
        own = parts[i, j, k] == number
        if np.count_nonzero(own) * np.prod(spacing) >= _SPECK_MM3:
            found.append(((i, j, k), own))
    return found


def _within(outer: Box, inner: Box) -> Box:
    i, j, k = (slice(a.start + b.start, a.start + b.stop) for a, b in zip(outer, inner, strict=True))
    return i, j, k


def _crossed_twice(mask: Bool[np.ndarray, "i j k"]) -> float:
    """Share of the vertical lines through a mask that enter it more than once."""
    entries = mask[:, :, 0].astype(int) + (mask[:, :, 1:] & ~mask[:, :, :-1]).sum(2)
    return float((entries > 1).sum() / (entries > 0).sum())


def _piece(
    numbers: Integer[np.ndarray, "i j k"],
    box: Box,
    mask: Bool[np.ndarray, "_ _ _"],
    spacing: tuple[float, float, float],
    *,
    most: int,
) -> _Piece:
    height = np.full(numbers.shape[:2], np.nan)
    crossed, k = mask.any(2), np.arange(mask.shape[2])
    middle = (mask * k).sum(2) / np.maximum(mask.sum(2), 1) + box[2].start
    height[box[:2]] = np.where(crossed, middle * spacing[2], np.nan)
    distance, (i, j) = distance_transform_edt(np.isnan(height), sampling=spacing[:2], return_indices=True)
    height = np.where(distance <= _BESIDE_MM, height[i, j], np.nan)
    votes = np.bincount(numbers[box][mask], minlength=most + 1)
    return _Piece(box, mask, height, votes / votes.sum())


def _stacks(pieces: Sequence[_Piece], spacing: tuple[float, float, float]) -> Iterator[dict[int, int]]:
    """Pieces that can be counted together: piece -> level, from 0 at the top. Contradictory counts are left out."""
    below = _next_below(pieces, spacing)
    if not below:
        return
    upper, lower = np.array([*below]).T
    graph = coo_array((np.ones(len(upper)), (upper, lower)), shape=(len(pieces),) * 2)
    _, group = connected_components(graph, directed=False)
    for members in (np.flatnonzero(group == n) for n in np.unique(group[upper])):
        order, before = breadth_first_order(graph, members[0], directed=False)
        level = {int(members[0]): 0}
        for n in order[1:].tolist():
            step = 1 if (before[n], n) in below else -1
            level[n] = level[int(before[n])] + step
        top = min(level.values())
        consistent = all(level[b] - level[a] == 1 for a, b in below if a in level)
        if consistent and _FEWEST <= max(level.values()) - top + 1 < len(pieces[0].votes):
            yield {n: own - top for n, own in level.items()}


def _next_below(pieces: Sequence[_Piece], spacing: tuple[float, float, float]) -> set[tuple[int, int]]:
    """Pairs of pieces of which the second is the next rib below the first."""
    if len(pieces) < 2:
        return set()
    heights = np.stack([piece.height for piece in pieces])
    drops: dict[tuple[int, int], list[float]] = {}
    for x, y in np.argwhere((~np.isnan(heights)).sum(0) > 1):
        line = heights[:, x, y]
        there = np.flatnonzero(~np.isnan(line))
        for a, b in pairwise(there[np.argsort(-line[there])].tolist()):
            drops.setdefault((a, b), []).append(line[a] - line[b])
    fewest = _LINES_MM2 / (spacing[0] * spacing[1])
    over = {pair: float(np.median(mm)) for pair, mm in drops.items() if len(mm) >= fewest}
    if not over:
        return set()
    pitch = float(np.median(np.concatenate([drops[pair] for pair in over])))
    return {pair for pair, mm in over.items() if _NEXT[0] * pitch <= mm <= _NEXT[1] * pitch}


def _votes(pieces: Sequence[_Piece], level_of: Mapping[int, int]) -> Float[np.ndarray, "level number"]:
    votes = np.zeros((max(level_of.values()) + 1, len(pieces[0].votes)))
    for n, level in level_of.items():
        votes[level] += pieces[n].votes
    return votes


@dataclass(frozen=True)
class _Count:
    """Numbers of levels from the top.

    Args:
        numbers: by level.
        clear: whether any other number would cost much more.
    """

    numbers: Integer[np.ndarray, " level"]
    clear: Bool[np.ndarray, " level"]


def _count(votes: Float[np.ndarray, "level number"]) -> _Count:
    """The increasing numbers, from 1, that most voxels bear; each number left out between two costs something."""
    n = np.arange(votes.shape[1])
    step = n[None, :] - n[:, None]  # to the number of the next level
    cost = np.where(step >= 1, _MISSING * (step - 1), np.inf)
    gain = votes.copy()
    gain[:, 0] = -np.inf
    down, up = gain.copy(), gain.copy()
    for level in range(1, len(votes)):
        down[level] += (down[level - 1][:, None] - cost).max(0)
    for level in range(len(votes) - 2, -1, -1):
        up[level] += (up[level + 1][None, :] - cost).max(1)
    with np.errstate(invalid="ignore"):
        best = np.nan_to_num(down + up - gain, nan=-np.inf)  # of all counts that give a level this number
    ranked = np.sort(best, axis=1)
    return _Count(best.argmax(1), ranked[:, -1] - ranked[:, -2] >= _CLEAR)
