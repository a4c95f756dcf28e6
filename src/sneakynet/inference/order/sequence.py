"""Which vertebra each station of a column is, told by its whole length at once.

A network names a voxel by what lies around it, and far from skull and sacrum its count may slip by one: half of a
vertebra is called L2, the other half L1, and from there on every name is one too high. Here every vertebra is as long
as vertebrae are, ends at a disc, and follows the one that it follows in every person. Of all such sequences the most
likely is found by dynamic programming over (vertebra, stations of it so far, slip), a hidden semi-Markov model (L. R.
Rabiner, A tutorial on hidden Markov models, 1989). The slip is by how many vertebrae the network's names are off: to
begin one costs something, to go on with it little.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.ndimage import maximum_filter1d

from sneakynet.anatomy.spine import spine_levels
from sneakynet.inference.order.column import STATION_MM, Column

# Costs are logarithms of likelihoods, by and large; they were set by hand on real scans and phantoms.
_NAMED = 2.0  # times -log(_STRAY): a vertebra that bears other names throughout
_STRAY = 0.03
_SLIP = 3.0  # to begin or to end a slip
_SLIPPED = 0.25  # a vertebra within a slip, per level
_VARIANT = 7.0  # a vertebra left out or one too many: some in a hundred persons, and more where bodies merge
_NECK = slice(2, 7)  # C3 to C7: of these everyone has five
_LENGTH = 0.13  # standard deviation of a vertebra's length over a middling one's, as logarithms
_STATURE = 0.08  # the same of the whole column
_RIB = 1.2  # a rib at a vertebra that does not bear it
_LAST_RIB = 3.0  # the lowest pair of ribs is not at T12: some in a hundred persons
_NEVER = 50.0

_DISC_AT, _DISC_SLOPE, _DISC_MOST = 0.2, 10.0, 2.0
"""The share by which a disc's fill falls below its surroundings' from which on it speaks for a disc, how fast, and how
much at most."""

_DISC_CLEAR = 0.45
"""The same share from which on there is a disc beyond doubt."""

_AROUND_MM = 18.0
"""Half of the longest vertebra: there is a body within."""

_SLIPS = np.arange(-2, 3)
_SCALES = (0.8, 0.86, 0.93, 1.0, 1.08, 1.16, 1.25)
_LONGEST = 1.7  # vertebra, over a middling one


@dataclass(frozen=True)
class RibHead:
    """Where a rib meets the column.

    Args:
        station: of the column.
        index: of the rib as it is called, from 1.
        last: whether it is the lowest of its side, and the column goes on well below it.
    """

    station: int
    index: int
    last: bool = False


@dataclass(frozen=True, eq=False)
class Reading:
    """What each station of a column is.

    Args:
        state: place of its vertebra from the top, from 0; the one after the last vertebra is the sacrum.
        slip: by how many places the names that it bears are off.
        elapsed: stations of the same vertebra before it.
        score: how likely it all is, as a logarithm up to a constant.
    """

    state: Int64[np.ndarray, " station"]
    slip: Int64[np.ndarray, " station"]
    elapsed: Int64[np.ndarray, " station"]
    score: float


def read_column(
    column: Column, ribs: Sequence[RibHead] = (), *, barred: Bool[np.ndarray, "station state"] | None = None
) -> Reading:
    """Find the most likely sequence of vertebrae.

    Args:
        column: with the names that a network gave.
        ribs: where they meet it.
        barred: what stations are held not to be.
    """
    readings = (_read(column, ribs, barred, scale=scale) for scale in _SCALES)
    return max(readings, key=lambda reading: reading.score)


def bears(state: int, at: float) -> tuple[int, ...]:
    """Ribs whose heads may lie at a place of a vertebra: its own at its upper part, or at all of it, and the next
    one's at the disc below.

    Args:
        state: the vertebra.
        at: the share of it that lies above.
    """
    own, below = (spine_levels()[s].rib if 0 <= s < len(spine_levels()) else None for s in (state, state + 1))
    return tuple(rib for rib, here in ((own, at < 0.8), (below, at >= 0.55)) if rib is not None and here)


def _read(
    column: Column, ribs: Sequence[RibHead], barred: Bool[np.ndarray, "station state"] | None, *, scale: float
) -> Reading:
    extents = np.array([level.extent_mm for level in spine_levels()]) * scale / STATION_MM
    vertebrae, longest = len(extents), int(np.ceil(extents.max() * _LONGEST))
    names = _names(column, extents)
    if barred is not None:
        names[barred] -= _NEVER
    at_ribs = _at_ribs(ribs, extents, shape=(len(names), vertebrae + 1, longest))
    disc, through = _disc(column), -_DISC_MOST * disc_stations(column)
    stations = np.arange(1, longest + 1)
    length = -0.5 * (np.log(stations / extents[:, None]) / _LENGTH) ** 2
    shape = (vertebrae + 1, longest, len(_SLIPS))
    index = np.arange(np.prod(shape)).reshape(shape)
    # The first vertebra may be cut anywhere; the sacrum's length does not matter, it stays in its first place.
    score = np.full(shape, -np.inf)
    score[:-1] = names[0, :-1, None]
    score[-1, 0] = names[0, -1]
    score += at_ribs.get(0, 0.0)
    came: list[Int64[np.ndarray, "state elapsed slip"]] = []
    for station in range(1, len(names)):
        stay, stay_from = _slipping(score, index)
        leave = score[:-1] + length[:, :, None]
        ended = leave.argmax(1)
        leave, leave_from = _slipping(
            np.take_along_axis(leave, ended[:, None], 1), np.take_along_axis(index[:-1], ended[:, None], 1)
        )
        enter, enter_from = _entering(leave[:, 0] + disc[station], leave_from[:, 0])
        score, before = np.full(shape, -np.inf), np.zeros(shape, dtype=np.int64)
        score[:-1, 1:], before[:-1, 1:] = stay[:-1, :-1], stay_from[:-1, :-1]
        score[:-1, 0], before[:-1, 0] = enter[:-1], enter_from[:-1]
        goes_on = stay[-1, 0] >= enter[-1]
        score[-1, 0] = np.where(goes_on, stay[-1, 0], enter[-1])
        before[-1, 0] = np.where(goes_on, stay_from[-1, 0], enter_from[-1])
        # A disc one station back that no vertebra ended at, give or take one, is held to be within this one.
        score[:-1, 3:] += through[station - 1]
        score += names[station][:, None] + at_ribs.get(station, 0.0)
        came.append(before)
    # The last vertebra may be cut too: it is only too long if it is longer than all that it may become.
    score[:-1] += np.maximum.accumulate(length[:, ::-1], axis=1)[:, ::-1, None]
    end = int(score.argmax())
    best = float(score.ravel()[end]) - 0.5 * (np.log(scale) / _STATURE) ** 2
    path = [end]
    for before in reversed(came):
        path.append(int(before.ravel()[path[-1]]))
    state, elapsed, slip = np.unravel_index(np.array(path[::-1]), shape)
    return Reading(state, _SLIPS[slip], np.where(state < vertebrae, elapsed, 0), best)


def _slipping(score: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each place's best score where the slip may change, and where it came from."""
    best = score.argmax(-1, keepdims=True)
    other = np.take_along_axis(score, best, -1) - _SLIP
    change = other > score
    return np.where(change, other, score), np.where(change, np.take_along_axis(index, best, -1), index)


def _entering(leave: np.ndarray, leave_from: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score of each state as the next vertebra, by slip: after the one above, the one but one above, or another like
    itself.

    The first vertebra is never the next; and neither is any of the neck or the sacrum left out or doubled, which
    everyone has once.
    """
    states, slips = len(leave) + 1, leave.shape[1]
    variant = np.full((len(leave), 1), _VARIANT)
    variant[_NECK] = _NEVER
    options = np.full((3, states, slips), -np.inf)
    origin = np.zeros((3, states, slips), dtype=np.int64)
    options[0, 1:], origin[0, 1:] = leave, leave_from
    options[1, 3:], origin[1, 3:] = leave[1:-1] - variant[2:], leave_from[1:-1]
    options[2, 2:-1], origin[2, 2:-1] = leave[2:] - variant[2:], leave_from[2:]
    best = options.argmax(0)[None]
    return np.take_along_axis(options, best, 0)[0], np.take_along_axis(origin, best, 0)[0]


def _names(column: Column, extents: Float64[np.ndarray, " vertebra"]) -> Float64[np.ndarray, "station state slip"]:
    """How well the names of each station fit each state and slip."""
    total = column.named.sum(1, keepdims=True)
    share = column.named / np.maximum(total, 1e-9)
    states = share.shape[1]
    per = np.append(extents, extents[-1])  # a vertebra counts as much, be it long or short
    fits = np.zeros((len(share), states, len(_SLIPS)))
    for n, slip in enumerate(_SLIPS):
        said = np.arange(states) + slip
        # What the first two and the sacrum look like is told by themselves, not by counting: their names do not slip.
        counted = (said > 1) & (said < states - 1) if slip else said >= 0
        named = np.where(counted, share[:, np.clip(said, 0, states - 1)], 0.0)
        fits[:, :, n] = np.where(total > 0, _NAMED * np.log(_STRAY + (1 - _STRAY) * named), 0.0)
        fits[:, :, n] -= _SLIPPED * abs(slip)
    fits /= per[:, None]
    fits[:, [0, 1, -1], :] -= np.where(_SLIPS == 0, 0.0, _NEVER)
    return fits


def _disc(column: Column) -> Float64[np.ndarray, " station"]:
    """How much each station's beginning speaks for a disc there."""
    around = _fill_around(column)
    fall = 1 - column.fill / np.maximum(around, 1e-9)
    speaks = np.clip((fall - _DISC_AT) * _DISC_SLOPE, -_DISC_MOST, _DISC_MOST)
    evidence: np.ndarray = np.where(around > 0, speaks, 0.0)
    return evidence


def disc_stations(column: Column) -> Bool[np.ndarray, " station"]:
    """Stations in the middle of what is a disc beyond doubt: hardly any body in the tube."""
    falls = 1 - column.fill / np.maximum(_fill_around(column), 1e-9) > _DISC_CLEAR
    edges = np.flatnonzero(np.diff(np.concatenate([[0], falls.astype(int), [0]])))
    middles = np.zeros(len(falls), dtype=bool)
    for start, stop in edges.reshape(-1, 2):
        if start > 0 and stop < len(falls) and (stop - start) * STATION_MM <= _AROUND_MM:
            middles[(start + stop) // 2] = True
    return middles


def _fill_around(column: Column) -> Float64[np.ndarray, " station"]:
    most: np.ndarray = maximum_filter1d(column.fill, 2 * round(_AROUND_MM / STATION_MM) + 1, mode="nearest")
    return most


def _at_ribs(
    ribs: Sequence[RibHead], extents: Float64[np.ndarray, " vertebra"], *, shape: tuple[int, int, int]
) -> dict[int, Float64[np.ndarray, "state elapsed 1"]]:
    """What the ribs' heads say against each state and elapsed length of the stations that they are at."""
    stations, states, longest = shape
    lowest = max(level.rib or 0 for level in spine_levels())
    borne = {index: np.zeros((states, longest, 1), dtype=bool) for index in {lowest, *(head.index for head in ribs)}}
    for state, extent in enumerate(extents):
        for elapsed in range(longest):
            for index in bears(state, elapsed / extent):
                if index in borne:
                    borne[index][state, elapsed] = True
    against: dict[int, np.ndarray] = {}
    for head in ribs:
        station = min(max(head.station, 0), stations - 1)
        cost = -_RIB * ~borne[head.index] - _LAST_RIB * head.last * ~borne[lowest]
        against[station] = against.get(station, 0.0) + cost
    return against
