import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.anatomy.spine import spine_levels
from sneakynet.inference.order.column import STATION_MM, straighten

TABLE = BoneTable.default()
STATES = np.array([*(TABLE[level.name].id for level in spine_levels()), TABLE["sacrum"].id])
MM = (3.0, 3.0, 3.0)


def test_every_station_is_named_and_discs_are_gaps(spine):
    built = spine("L1", "L5")

    column = straighten(built.labels.voxels, MM, STATES)

    assert len(column.fill) == built.planes
    named = column.named.argmax(1)
    for level in built.levels:
        body = built.body[level.name]
        stations = [built.planes - 1 - plane for plane in body]
        assert set(named[stations[1:-1]]) == {spine_levels().index(level)}
        np.testing.assert_allclose(column.fill[stations[1:-1]], 1.0, atol=0.3)
    at_disc = built.planes - 1 - built.body["vertebrae_L2"].stop
    assert column.fill[at_disc - 1 : at_disc + 2].min() < 0.4


def test_points_are_located_along_the_line_and_to_its_right(spine):
    built = spine("L1", "L5")
    column = straighten(built.labels.voxels, MM, STATES)
    points = np.array([[40, 35, built.planes - 1], [40, 35, 20], [50, 35, 30]]) * 3.0

    station, distance, right = column.locate(points)

    # The line leans a little towards the processes where it begins and ends.
    np.testing.assert_allclose(station, [0, built.planes - 1 - 20, built.planes - 1 - 30], atol=2)
    np.testing.assert_allclose(distance, [0, 0, 30], atol=4)
    np.testing.assert_allclose(right, [0, 0, 30], atol=0.1)


def test_a_leaning_column_is_as_long_as_it_is_and_not_as_high():
    leaning = np.zeros((40, 120, 60), dtype=np.uint8)
    for k in range(60):
        leaning[15:25, k + 20 : k + 30, k] = STATES[20]

    column = straighten(leaning, MM, STATES)

    assert len(column.fill) * STATION_MM == pytest.approx(60 * 3 * np.sqrt(2), rel=0.08)


def test_thick_slices_leave_no_station_empty():
    voxels = np.zeros((40, 40, 30), dtype=np.uint8)
    voxels[15:25, 15:25, 2:28] = STATES[10]

    column = straighten(voxels, (3.0, 3.0, 7.5), STATES)

    assert (column.named[:-1, 10] > 0).all()
    np.testing.assert_allclose(column.fill[3:-3], 1.0, atol=0.45)


def test_no_vertebrae_no_column():
    assert straighten(np.zeros((9, 9, 9), dtype=np.uint8), MM, STATES) is None
    assert straighten(np.full((9, 9, 9), STATES[-1], dtype=np.uint8), MM, STATES) is None
