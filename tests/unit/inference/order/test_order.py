from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError
from sneakynet.inference.order.order import order_names
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@pytest.mark.parametrize(("top", "bottom"), [("T6", "L5"), ("C5", "T9"), ("T9", "L3"), ("L1", "L5")])
def test_what_is_in_order_stays(spine, top, bottom):
    labels = spine(top, bottom).labels

    ordered, report = order_names(labels, table=TABLE)

    assert ordered is labels
    assert (report.renamed, report.doubtful, report.told) == ((), (), False)
    assert report.vertebrae[0] == f"vertebrae_{top}"
    assert report.vertebrae[-1] == f"vertebrae_{bottom}"


@pytest.mark.parametrize("at", ["L4", "L2", "T12"])
def test_a_count_from_the_sacrum_that_slips_is_put_right(spine, at):
    built = spine("T10", "L5")
    slipped = built.slipped(at)

    ordered, report = order_names(slipped, table=TABLE)

    np.testing.assert_array_equal(ordered.voxels, built.labels.voxels)
    assert f"vertebrae_{at}" in {one.after for one in report.renamed}
    assert report.doubtful == ()
    # And the input was left as it was.
    np.testing.assert_array_equal(slipped.voxels, built.slipped(at).voxels)


def test_ribs_tell_which_end_of_a_slip_is_right(spine):
    built = spine("C6", "L2")
    slipped = built.slipped("L1", until="T6", ribs=False)

    ordered, _ = order_names(slipped, table=TABLE)

    wrong = ordered.voxels != built.labels.voxels
    # Where the slip ends two vertebrae bore one name: their processes, which touch, are cut straight across.
    assert np.count_nonzero(wrong) < 0.002 * np.count_nonzero(built.labels.voxels)


def test_what_cannot_be_told_apart_is_not_renamed(spine):
    slipped = spine("T10", "L5", discs=False).slipped("L2")

    ordered, report = order_names(slipped, table=TABLE)

    assert ordered is slipped
    assert report.renamed == ()


@pytest.mark.parametrize(
    ("axes", "flips"), [((2, 0, 1), (1, 1, 1)), ((0, 1, 2), (-1, 1, -1)), ((1, 2, 0), (1, -1, -1))]
)
def test_the_orientation_of_the_grid_does_not_matter(spine, axes, flips):
    built = spine("T10", "L5")

    def turned(labels):
        flip = np.diag([*flips, 1.0])
        flip[:3, 3] = [0 if f > 0 else n - 1 for f, n in zip(flips, labels.shape, strict=True)]
        affine = (labels.affine @ flip)[:, [*axes, 3]]
        return Volume(labels.voxels[tuple(slice(None, None, f) for f in flips)].transpose(axes), affine)

    ordered, _ = order_names(turned(built.slipped("L2")), table=TABLE)

    np.testing.assert_array_equal(ordered.voxels, turned(built.labels).voxels)


def test_fine_grids_are_renamed_to_the_voxel_but_at_new_borders(spine):
    built = spine("T11", "L5")

    def finer(labels):
        voxels = labels.voxels.repeat(3, 0).repeat(3, 1).repeat(2, 2)
        affine = np.diag([1.0, 1.0, 1.5, 1.0])
        affine[:3, 3] = -1.0, -1.0, -0.75
        return Volume(voxels, affine)

    ordered, _ = order_names(finer(built.slipped("L2")), table=TABLE)

    np.testing.assert_array_equal(ordered.voxels, finer(built.labels).voxels)


def test_no_voxel_becomes_bone_or_background(spine):
    slipped = spine("T11", "L5").slipped("L3")

    ordered, report = order_names(slipped, table=TABLE)

    np.testing.assert_array_equal(ordered.voxels > 0, slipped.voxels > 0)
    moved = np.count_nonzero(ordered.voxels != slipped.voxels) * 0.027
    assert sum(one.volume_ml for one in report.renamed) == pytest.approx(moved, rel=1e-6)


def test_doing_it_twice_is_doing_it_once(spine):
    once, _ = order_names(spine("T11", "L5").slipped("L3"), table=TABLE)

    twice, report = order_names(once, table=TABLE)

    assert twice is once
    assert report.renamed == ()


def test_a_table_of_other_bones_is_left_alone():
    labels = Volume(np.ones((9, 9, 9), dtype=np.uint8), np.eye(4))

    ordered, report = order_names(labels, table=BoneTable((Bone(id=1, name="talus"),)))

    assert ordered is labels
    assert not report.told


def test_a_table_without_side_or_series_is_left_alone(spine):
    labels = spine("T10", "L5").slipped("L2")
    plain = BoneTable(tuple(replace(bone, series=None, index=None) for bone in TABLE))

    assert order_names(labels, table=plain)[0] is labels


@pytest.mark.parametrize("shape", [(1, 1, 1), (20, 20, 1), (1, 30, 30)])
def test_slivers_and_empty_maps(shape):
    for value in (0, TABLE["vertebrae_L3"].id, TABLE["sacrum"].id):
        labels = Volume(np.full(shape, value, dtype=np.uint8), np.eye(4))
        assert order_names(labels, table=TABLE)[0] is labels


def test_a_label_of_no_bone_is_refused(spine):
    labels = spine("L3", "L5").labels
    labels.voxels[0, 0, 0] = 200

    with pytest.raises(BoneTableError, match="label 200 is not in the bone table"):
        order_names(labels, table=TABLE)
