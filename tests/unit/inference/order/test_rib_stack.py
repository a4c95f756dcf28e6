import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sneakynet.anatomy.bone import BoneTable
from sneakynet.inference.order.order import order_names
from sneakynet.inference.order.rib_stack import rename_stacked_ribs
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
RIBS = {b.id: (b.side, b.index) for b in TABLE if b.series in ("rib_left", "rib_right")}
SPACING = (3.0, 3.0, 3.0)
PITCH, SLOPE, LENGTH = 8, 0.5, 24  # voxels


def label(number, side="left"):
    return TABLE[f"rib_{side}_{number}"].id


def stack(*names, side="left", missing=()):
    """Ribs one below the other that fall towards the front; each is called by the names along it, back to front."""
    labels = np.zeros((12, LENGTH + 2, PITCH * (len(names) + 2) + 12), np.uint8)
    at = slice(1, 5) if side == "left" else slice(7, 11)
    for level, called in enumerate(names):
        for y in range(LENGTH):
            number = called if isinstance(called, int) else called[y * len(called) // LENGTH]
            z = labels.shape[2] - 6 - PITCH * level - round(SLOPE * y)
            if level not in missing:
                labels[at, y + 1, z : z + 3] = label(number, side)
    return labels


def renamed(labels):
    return rename_stacked_ribs(labels, SPACING, RIBS)


def test_mixed_and_doubled_names_give_way_to_the_count():
    new, doubtful = renamed(stack((7, 8), (8, 8, 9), (9, 9, 10, 9), (9, 10, 10), (11, 11, 10), 12))
    assert np.array_equal(new, stack(7, 8, 9, 10, 11, 12))
    assert doubtful == ()


def test_the_sides_are_counted_apart():
    both = stack(4, (5, 6, 5), 6, 7) + stack(4, 5, (6, 6, 5), 7, side="right")
    new, _ = renamed(both)
    assert np.array_equal(new, stack(4, 5, 6, 7) + stack(4, 5, 6, 7, side="right"))


def test_names_in_order_stay_and_so_does_the_input():
    labels = stack(3, 4, 5, 6)
    before = labels.copy()
    new, doubtful = renamed(labels)
    assert np.array_equal(new, before)
    assert np.array_equal(labels, before)
    assert doubtful == ()


def test_ribs_above_and_below_one_that_was_not_found_are_counted_apart():
    """Counted on as if none were missing, the piece below the gap would be 5 as well as 6."""
    new, doubtful = renamed(stack(2, 3, 4, 5, (5, 6), 7, 8, missing=(3,)))
    assert np.array_equal(new, stack(2, 3, 4, 5, 6, 7, 8, missing=(3,)))
    assert doubtful == ()


def test_a_number_that_is_left_out_without_a_gap_is_left_out():
    """The names of whole ribs on both sides of it say so, and a count without it would rename half of them."""
    new, doubtful = renamed(stack(2, 3, 4, 6, 7, 8))
    assert np.array_equal(new, stack(2, 3, 4, 6, 7, 8))
    assert doubtful == ()


def test_two_ribs_that_touch_are_counted_by_their_names():
    """Counted as one, they would make the last a seventh rib."""
    labels, expected = stack(5, 6, 7, (7, 8)), stack(5, 6, 7, 8)
    lower, upper = (np.argwhere(labels[:, :11] == label(n)) for n in (7, 6))
    y = 10
    foot = upper[upper[:, 1] == y][:, 2].min()
    head = lower[lower[:, 1] == y][:, 2].max()
    for each in (labels, expected):
        each[1:5, y, head + 1 : foot] = label(6)
    new, _ = renamed(labels)
    assert np.array_equal(new, expected)


def test_a_rib_grown_onto_the_front_of_the_one_above_keeps_its_name():
    labels = stack(8, 9, (10,) * 17 + (11,) * 7, 12)
    new, _ = renamed(labels)
    assert np.array_equal(new, labels)


def test_two_pieces_are_too_few():
    labels = stack((5, 6), (5, 6))
    new, doubtful = renamed(labels)
    assert np.array_equal(new, labels)
    assert doubtful == ()


def test_specks_count_for_nothing():
    """Between two ribs, as far from each as ribs may lie, one would contradict that they follow each other."""
    labels, expected = stack(5, (6, 6, 5), 7, 8), stack(5, 6, 7, 8)
    middle = np.argwhere(labels[2, 3] == label(6)).mean()
    for each in (labels, expected):
        each[2:4, 3:5, int(middle) - PITCH // 2] = label(1)
    new, _ = renamed(labels)
    assert np.array_equal(new, expected)


def test_where_another_count_fits_nearly_as_well_names_stay_and_are_called_doubtful():
    labels = stack((4,) * 10 + (5,) * 14, (5,) * 14 + (6,) * 10, (6,) * 14 + (7,) * 10)
    new, doubtful = renamed(labels)
    assert np.array_equal(new, labels)
    assert doubtful == (label(5),)


def test_more_than_twelve_are_no_ribs_to_count():
    labels = stack(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12)
    new, _ = renamed(labels)
    assert np.array_equal(new, labels)


def test_a_table_may_name_thirteen():
    labels = stack(9, 10, 11, 12, 12)
    lowest = np.argwhere(labels == label(12))
    lowest = lowest[lowest[:, 2] + SLOPE * lowest[:, 1] < (lowest[:, 2] + SLOPE * lowest[:, 1]).mean()]
    labels[tuple(lowest.T)] = 200
    labels[lowest[:30, 0], lowest[:30, 1], lowest[:30, 2]] = label(12)
    new, _ = rename_stacked_ribs(labels, SPACING, RIBS | {200: ("left", 13)})
    assert (new[tuple(lowest.T)] == 200).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 3, 3)])
def test_no_ribs_nothing_to_do(shape):
    new, doubtful = renamed(np.zeros(shape, np.uint8))
    assert not new.any()
    assert doubtful == ()


@given(
    first=st.integers(1, 6),
    count=st.integers(3, 7),
    slips=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([-1, 1]), st.integers(1, 3)), max_size=7),
)
def test_slips_of_less_than_half_of_a_rib_are_put_right(first, count, slips):
    names = [[number] * 8 for number in range(first, first + count)]
    for level, step, eighths in slips:
        if level < count and 1 <= first + level + step <= 12:
            names[level][8 - eighths :] = [first + level + step] * eighths
    new, _ = renamed(stack(*map(tuple, names)))
    assert np.array_equal(new, stack(*range(first, first + count)))


def test_on_a_finer_grid_without_a_spine_and_in_the_report():
    fine = [np.repeat(np.repeat(np.repeat(each, 2, 0), 2, 1), 2, 2) for each in
            (stack(7, (8, 8, 9), (8, 9, 9), 10), stack(7, 8, 9, 10))]  # fmt: skip
    affine = np.diag([-1.5, 1.5, 1.5, 1.0])  # i to the left, as DICOM has it
    ordered, report = order_names(Volume(np.ascontiguousarray(fine[0][::-1]), affine), table=TABLE)
    assert np.array_equal(ordered.voxels, fine[1][::-1])
    assert {(one.before, one.after) for one in report.renamed} == {
        ("rib_left_9", "rib_left_8"),
        ("rib_left_8", "rib_left_9"),
    }
