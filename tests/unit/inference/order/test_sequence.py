import numpy as np
import pytest
from scipy.spatial import KDTree

from sneakynet.anatomy.spine import spine_levels
from sneakynet.inference.order.column import STATION_MM, Column
from sneakynet.inference.order.sequence import RibHead, bears, disc_stations, read_column

NAMES = [level.name.removeprefix("vertebrae_") for level in spine_levels()] + ["S"]


def column(called, *, scale=1.0, discs=True):
    """Of (true name, names of its parts), every vertebra as long as it is in a middling person, with a disc above."""
    named, fill = [], []
    for true, parts in called:
        extent = 60.0 if true == "S" else spine_levels()[NAMES.index(true)].extent_mm
        stations = round(extent * scale / STATION_MM)
        for n in range(stations):
            row = np.zeros(len(NAMES))
            row[NAMES.index(parts[n * len(parts) // stations])] = 100.0
            named.append(row)
            fill.append(0.0 if true == "S" or (discs and n == 0) else 1.0)
    line = np.zeros((1, 3))
    return Column(np.array(named), np.array(fill), line, KDTree(line))


def read(*called, ribs=(), **options):
    """Names of the vertebrae from the top, as they are read."""
    reading = read_column(column(called, **options), ribs)
    new = np.append(True, (np.diff(reading.state) != 0) | (np.diff(reading.elapsed) < 0))
    return [NAMES[state] for state in reading.state[new]]


@pytest.mark.parametrize("scale", [0.85, 1.0, 1.2])
@pytest.mark.parametrize("first", ["C1", "C5", "T3", "L1"])
def test_what_is_in_order_is_read_as_it_is_called(first, scale):
    names = NAMES[NAMES.index(first) :]

    assert read(*((name, [name]) for name in names), scale=scale) == names


def test_a_slip_in_the_middle_of_a_vertebra():
    called = [("T12", ["T11"]), ("L1", ["T12"]), ("L2", ["L1", "L2"]), *((n, [n]) for n in ("L3", "L4", "L5", "S"))]

    assert read(*called) == ["T12", "L1", "L2", "L3", "L4", "L5", "S"]


def test_without_an_end_that_tells_the_larger_part_is_right():
    called = [("T5", ["T4"]), ("T6", ["T5", "T6"]), *((f"T{n}", [f"T{n}"]) for n in range(7, 13))]

    assert read(*called) == [f"T{n}" for n in range(5, 13)]


def test_the_sacrum_outweighs_a_long_slip():
    called = [
        *((f"T{n}", [f"T{n - 1}"]) for n in range(4, 13)),
        *(("L1", ["T12"]), ("L2", ["L1"]), ("L3", ["L2"])),
        *(("L4", ["L3", "L4"]), ("L5", ["L5"]), ("S", ["S"])),
    ]

    assert read(*called) == NAMES[NAMES.index("T4") :]


def test_ribs_decide_between_the_ends_of_a_slip():
    called = [
        *((f"T{n}", [f"T{n}"]) for n in (4, 5)),
        ("T6", ["T6", "T7"]),
        *((f"T{n}", [f"T{n + 1}"]) for n in (7, 8, 9)),
    ]
    lengths = np.cumsum(
        [0, *(round(spine_levels()[NAMES.index(f"T{n}")].extent_mm / STATION_MM) for n in range(4, 10))]
    )
    ribs = [RibHead(int(start) + 1, n) for start, n in zip(lengths, range(4, 10), strict=False)]

    assert read(*called, ribs=ribs) == [f"T{n}" for n in range(4, 10)]
    assert read(*called, ribs=[RibHead(r.station, r.index + 1) for r in ribs]) == [f"T{n}" for n in range(5, 11)]


def test_a_neck_has_seven_vertebrae():
    # Two pieces called C5, all else as in order, the ribs too: below the neck there might be one too many.
    called = [(name, [name]) for name in ("C2", "C3", "C4", "C5", "C5", "C6", "C7", *(f"T{n}" for n in range(1, 7)))]
    lengths = np.cumsum([0, *(round(spine_levels()[NAMES.index(n)].extent_mm / STATION_MM) for n, _ in called)])
    ribs = [
        RibHead(int(start) + 1, int(name[1:]))
        for start, (name, _) in zip(lengths, called, strict=False)
        if name.startswith("T")
    ]

    assert read(*called, ribs=ribs) == NAMES[NAMES.index("C2") : NAMES.index("C2") + len(called)]


def test_what_is_barred_is_not_read():
    of = column([(name, [name]) for name in ("L3", "L4", "L5", "S")])
    barred = np.zeros(of.named.shape, dtype=bool)
    barred[5, NAMES.index("L3")] = True

    assert read_column(of, barred=barred).state[5] != NAMES.index("L3")
    assert read_column(of, barred=barred).score < read_column(of).score


def test_a_rib_may_lie_at_its_own_vertebra_or_at_the_disc_above_it():
    t7 = NAMES.index("T7")

    assert bears(t7, 0.1) == (7,)
    assert bears(t7, 0.6) == (7, 8)
    assert bears(t7, 0.9) == (8,)
    assert bears(NAMES.index("C7"), 0.9) == (1,)
    assert bears(NAMES.index("T12"), 0.9) == ()
    assert bears(NAMES.index("L3"), 0.5) == ()


def test_discs_are_seen_where_the_tube_is_empty_for_a_little():
    called = [(name, [name]) for name in ("L3", "L4", "L5", "S")]

    middles = np.flatnonzero(disc_stations(column(called)))

    extents = [round(spine_levels()[NAMES.index(name)].extent_mm / STATION_MM) for name in ("L3", "L4")]
    np.testing.assert_array_equal(middles, np.cumsum(extents))  # neither the upper end nor the sacrum
    assert not disc_stations(column(called, discs=False)).any()
