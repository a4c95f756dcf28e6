import pytest
import torch

from sneakynet.inference.axis_samples import AxisSamples


def test_points_between_two_voxels():
    axis = AxisSamples.along(4, scale=0.5, offset=0.25, length=3)

    assert axis.lower.tolist() == [0, 0, 1, 1]
    assert axis.upper.tolist() == [1, 1, 2, 2]
    assert axis.share.tolist() == [0.25, 0.75, 0.25, 0.75]
    assert not axis.whole


def test_points_outside_take_the_nearest_voxel():
    axis = AxisSamples.along(4, scale=1.0, offset=-1.5, length=2)

    assert axis.lower.tolist() == [0, 0, 0, 1]
    assert axis.upper.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("rounding", [0.0, 1e-9, -1e-9])
def test_equal_grids_share_every_voxel(rounding):
    axis = AxisSamples.along(5, scale=1.0, offset=rounding, length=5)

    assert axis.whole
    assert axis.lower.tolist() == axis.upper.tolist() == [0, 1, 2, 3, 4]


def test_readers_are_the_points_that_a_voxel_has_a_say_in():
    axis = AxisSamples.along(6, scale=0.5, offset=0.0, length=4)  # at 0, 0.5, 1, 1.5, 2, 2.5

    assert axis.readers(range(1, 2)) == range(1, 4)
    assert axis.readers(range(0, 4)) == range(0, 6)
    assert len(axis.readers(range(7, 9))) == 0


def test_consecutive_voxels_that_share_their_ends_part_the_points():
    axis = AxisSamples.along(11, scale=0.4, offset=0.0, length=5)

    parts = [axis.within(voxels)[0] for voxels in (range(0, 2), range(1, 4), range(3, 5))]

    assert [n for part in parts for n in part] == list(range(11))
    points, inside = axis.within(range(1, 4))
    assert points == range(3, 8)  # 1.2 to 2.8; the point at 3.2 lies beyond
    assert inside.lower.tolist() == [0, 0, 1, 1, 1]


def test_the_mirror_image_lies_mirrored():
    axis = AxisSamples.along(4, scale=0.7, offset=0.1, length=5)

    twice = axis.mirrored(5).mirrored(5)

    assert axis.mirrored(5).lower.tolist() == [1, 2, 3, 3]
    torch.testing.assert_close(twice.lower, axis.lower)
    torch.testing.assert_close(twice.share, axis.share)
