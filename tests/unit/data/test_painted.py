from dataclasses import replace

import numpy as np
import pytest
import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.painted import Bodies, PaintedCases, Painting
from sneakynet.phantom.scan import ScanSettings

TABLE = BoneTable.default()
PAINTING = Painting(
    hu_window=(-500.0, 1300.0),
    contexts=(1,),
    context_labels="majority",
    n_classes=TABLE.n_classes,
    scan=ScanSettings(),
    pool=4,
    every=2,
)


class Shelf:
    """Bodies, and which were asked for."""

    spacing = 4.0

    def __init__(self, block):
        self._block, self.asked, self.ahead = block, [], []

    def __len__(self):
        return 10

    def __getitem__(self, index):
        self.asked.append(index)
        return self._block(index)

    def prefetch(self, indices):
        self.ahead.append(list(indices))


@pytest.fixture
def shelf(block):
    return Shelf(block)


def painted(shelf, chosen=range(10), painting=PAINTING, key=(0, 3)):
    return PaintedCases(shelf, chosen, painting, key=key, device=torch.device("cpu"))


def pixels(cases):
    return [case.pyramid.scan[0] for case in cases]


def same(one, two):
    return len(one) == len(two) and all(torch.equal(a, b) for a, b in zip(pixels(one), pixels(two), strict=True))


def test_a_shelf_is_one_of_bodies(shelf):
    assert isinstance(shelf, Bodies)


def test_the_pool_depends_on_the_step_alone(shelf):
    """A run that goes on at a step sees what a run that came there sees."""
    straight = painted(shelf)
    for step in range(8):
        straight.at(step)
    assert same(straight.at(8), painted(shelf).at(8))
    assert same(painted(shelf).at(0), painted(shelf).at(0))
    # Validation may look back.
    assert same(straight.at(3), painted(shelf).at(3))


def test_the_oldest_gives_way_every_few_steps(shelf):
    cases = painted(shelf)
    names = [{case.name for case in cases.at(step)} for step in range(9)]
    assert [len(pool) for pool in names] == [4] * 9
    assert names[0] == names[1] == {f"painting {n}" for n in range(4)}
    assert names[2] == names[3] == {f"painting {n}" for n in range(1, 5)}
    assert names[8] == {f"painting {n}" for n in range(4, 8)}
    assert len(shelf.asked) == 8  # each painted once


def test_only_the_chosen_bodies_are_painted(shelf):
    cases = painted(shelf, chosen=(2, 7))
    for step in range(0, 30, 2):
        cases.at(step)
    assert set(shelf.asked) == {2, 7}
    assert {index for ahead in shelf.ahead for index in ahead} == {2, 7}


def test_what_comes_next_is_asked_for_ahead(shelf):
    cases = painted(shelf)
    cases.at(0)
    expected = shelf.ahead[-1]
    shelf.asked.clear()
    for step in range(2, 16, 2):
        cases.at(step)
    assert shelf.asked == expected[1:8]


def test_every_painting_is_another_scan_of_the_same_truth(shelf, block):
    one, two = (painted(shelf, chosen=(4,)).paint(number) for number in (0, 1))
    assert not torch.equal(one.pyramid.scan[0], two.pyramid.scan[0])
    np.testing.assert_array_equal(one.centres[5], two.centres[5])
    known = one.pyramid.labels[0][one.pyramid.labels[0] < 255]
    assert set(known.unique().tolist()) == {0, 5}
    assert one.pyramid.labels[0][0, 0, 0] == 255
    assert block(4).labels[0, 0, 0] == 255


def test_keys_decide(shelf):
    assert not same(painted(shelf, key=(0, 3)).at(0), painted(shelf, key=(0, 4)).at(0))
    assert not same(painted(shelf, key=(0, 3)).at(0), painted(shelf, key=(1, 3)).at(0))


def test_hu_stay_within_the_window(shelf):
    cases = painted(shelf, painting=replace(PAINTING, hu_window=(-50.0, 50.0))).at(0)
    assert all(scan.min() >= -50 and scan.max() <= 50 for scan in pixels(cases))


def test_centres_are_voxels_of_their_bone(shelf, block):
    case = painted(shelf, chosen=(4,)).paint(0)
    assert list(case.centres) == [5]
    assert (block(4).labels[tuple(case.centres[5].T)] == 5).all()
