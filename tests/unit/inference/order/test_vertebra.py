import numpy as np
import pytest
from scipy.spatial import KDTree

from sneakynet.inference.order.column import Column
from sneakynet.inference.order.sequence import Reading
from sneakynet.inference.order.vertebra import sure_vertebrae, vertebrae_of


def test_a_reading_is_cut_where_the_vertebra_or_its_count_begins_anew():
    reading = Reading(
        state=np.array([19, 19, 20, 20, 20, 20, 24]),
        slip=np.array([-1, -1, -1, 0, 0, 0, 0]),
        elapsed=np.array([3, 4, 0, 1, 0, 1, 0]),
        score=0.0,
    )

    found = vertebrae_of(reading)

    assert [(v.state, v.start, v.stop, set(v.said)) for v in found] == [
        (19, 0, 2, {18}),
        (20, 2, 4, {19, 20}),
        (20, 4, 6, {20}),
        (24, 6, 7, {24}),
    ]
    assert [v.changed for v in found] == [True, True, False, False]


def test_a_slip_is_sure_only_where_discs_are_seen():
    def of(disc):
        # Half vertebrae of T11 to L5, and the sacrum; from the upper half of L2 up they bear the name above.
        said = [17, 17, 18, 18, 19, 20, 21, 21, 22, 22, 23, 23, 24, 24]
        named, fill = np.zeros((11 * 7, 25)), np.ones(11 * 7)
        for n, state in enumerate(said):
            named[11 * n // 2 : 11 * (n + 1) // 2, state] = 100.0
        fill[::11] = disc
        fill[66:] = 0.0
        return Column(named, fill, np.zeros((1, 3)), KDTree(np.zeros((1, 3))))

    seen, margins = sure_vertebrae(of(0.0), [])
    unseen, _ = sure_vertebrae(of(1.0), [])

    assert any(v.changed and v.sure for v in seen)
    assert margins[0] > 2
    assert not any(v.changed and v.sure for v in unseen)


@pytest.mark.parametrize(("off_by", "sure"), [(1, True), (2, False)])
def test_names_that_are_off_by_two_levels_are_doubtful(off_by, sure):
    # T11 to L5 and the sacrum; what lies above L3 bears a name that is too high.
    stations = 11
    named, fill = np.zeros((stations * 7, 25)), np.ones(stations * 7)
    for n, state in enumerate([18, 19, 20, 21, 22, 23, 24]):
        said = state - off_by if state < 21 else state
        named[stations * n : stations * (n + 1), said] = 100.0
    fill[::stations] = 0.0
    fill[stations * 6 :] = 0.0

    found, margins = sure_vertebrae(Column(named, fill, np.zeros((1, 3)), KDTree(np.zeros((1, 3)))), [])

    changed = [v for v in found if v.changed]
    assert [v.state for v in changed] == [18, 19, 20]
    assert {v.off_by for v in changed} == {off_by}
    assert margins[0] > 2
    assert {v.sure for v in changed} == {sure}
