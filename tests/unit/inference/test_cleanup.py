from dataclasses import replace

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, SettingError
from sneakynet.geometry.affine import to_world
from sneakynet.inference.cleanup import clean
from sneakynet.inference.cleanup_report import LISTED, RemovedComponent
from sneakynet.inference.cleanup_settings import CleanupSettings
from sneakynet.volumes.volume import Volume

TABLE = BoneTable(tuple(Bone(id=n, name=name) for n, name in enumerate(("one", "two", "three"), start=1)))
LARGEST = CleanupSettings(keep="largest", smallest_mm3=0.0)
FILL = CleanupSettings(fill_voids=True)


def cleaned(voxels, settings, *, affine=None):
    return clean(Volume(voxels, np.eye(4) if affine is None else affine), table=TABLE, settings=settings)


@pytest.fixture
def labels():
    """A box of bone 1 with a cavity, and bone 2 in two parts, one of which lies in the wall of bone 1."""
    voxels = np.zeros((24, 20, 16), dtype=np.uint8)
    voxels[2:12, 2:12, 2:12] = 1
    voxels[5:7, 5:7, 5:7] = 0
    voxels[9, 9, 9] = 2
    voxels[15:20, 4:8, 3:9] = 2
    return voxels


def test_off_changes_nothing(labels):
    result, report = cleaned(labels, CleanupSettings())

    np.testing.assert_array_equal(result.voxels, labels)
    assert result.voxels is not labels
    assert report.changed == ()
    assert (report.bones, report.components, report.components_removed) == (2, 3, 0)


def test_removed_components_become_background(labels):
    before = labels.copy()

    result, report = cleaned(labels, LARGEST)

    expected = before.copy()
    expected[9, 9, 9] = 0
    np.testing.assert_array_equal(result.voxels, expected)
    np.testing.assert_array_equal(labels, before)
    (two,) = report.changed
    assert (two.name, two.components, two.components_removed, two.voxels_removed) == ("two", 2, 1, 1)
    assert two.removed == (RemovedComponent(voxels=1, volume_ml=0.001, centroid_mm=(9.0, 9.0, 9.0)),)


def test_cavities_are_filled(labels):
    result, report = cleaned(labels, FILL)

    expected = labels.copy()
    expected[5:7, 5:7, 5:7] = 1
    np.testing.assert_array_equal(result.voxels, expected)
    (one,) = report.changed
    assert (one.name, one.void_voxels_filled, one.voids_ml, one.components_removed) == ("one", 8, 0.008, 0)


def test_another_bone_in_a_cavity_stays():
    voxels = np.zeros((9, 9, 9), dtype=np.uint8)
    voxels[1:8, 1:8, 1:8] = 1
    voxels[3:6, 3:6, 3:6] = 0
    voxels[4, 4, 4] = 2

    result, _ = cleaned(voxels, FILL)

    assert result.voxels[4, 4, 4] == 2
    assert np.count_nonzero(result.voxels == 1) == 7**3 - 1


def test_a_speck_inside_another_bone_gives_way_to_it(labels):
    result, report = cleaned(labels, replace(LARGEST, fill_voids=True))

    assert result.voxels[9, 9, 9] == 1
    assert (result.voxels[2:12, 2:12, 2:12] == 1).all()
    assert report.components_removed == 1
    assert report.void_voxels_filled == 9


def test_a_cavity_of_an_inner_bone_is_its_own():
    voxels = np.zeros((11, 11, 11), dtype=np.uint8)
    for label, edge in ((1, 0), (0, 2), (2, 3), (0, 5)):
        voxels[(slice(edge, 11 - edge),) * 3] = label

    result, _ = cleaned(voxels, FILL)

    assert result.voxels[5, 5, 5] == 2
    assert result.voxels[2, 2, 2] == 1


def test_large_cavities_stay(labels):
    for largest, filled in ((8.0, 8), (7.9, 0)):
        _, report = cleaned(labels, replace(FILL, largest_void_mm3=largest))
        assert report.void_voxels_filled == filled


def test_what_the_face_of_the_scan_opens_is_no_cavity():
    voxels = np.ones((5, 5, 5), dtype=np.uint8)
    voxels[2, 2, 2:] = 0

    _, report = cleaned(voxels, FILL)

    assert report.changed == ()


def test_a_bone_of_specks_alone_goes(labels):
    labels[22, 18, 14] = labels[22, 18, 2] = 3

    result, report = cleaned(labels, CleanupSettings(keep="near", smallest_mm3=8.0))

    assert 3 not in result.voxels
    assert report.bones_removed == ("three",)
    assert report.bones == 3


def test_the_longest_list_of_removed_components():
    voxels = np.zeros((60, 4, 4), dtype=np.uint8)
    voxels[0:20, 1, 1] = 1
    starts = range(22, 58, 3)
    for length, start in enumerate(starts):
        voxels[start : start + 1 + (length % 2), 1, 1] = 1

    _, report = cleaned(voxels, LARGEST)

    (one,) = report.changed
    assert one.components_removed == len(starts) == 12
    assert one.voxels_removed == 18
    assert [part.voxels for part in one.removed] == [2] * 6 + [1] * 4
    assert len(one.removed) == LISTED


def test_labels_beyond_255():
    table = BoneTable(tuple(Bone(id=n, name=f"bone_{n}") for n in range(1, 401)))
    voxels = np.zeros((9, 9, 9), dtype=np.uint16)
    voxels[1:6, 1:6, 1:6] = 400
    voxels[3, 3, 3] = 0
    voxels[8, 8, 8] = 400

    result, report = clean(Volume(voxels, np.eye(4)), table=table, settings=replace(LARGEST, fill_voids=True))

    assert result.voxels.dtype == np.uint16
    assert np.count_nonzero(result.voxels == 400) == 125
    assert [bone.id for bone in report.changed] == [400]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("permutation", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flip", [1, -1])
def test_any_orientation_on_an_anisotropic_oblique_grid(labels, order, permutation, flip):
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn @ np.diag([0.5, 0.75, 4.0]), (7, -8, 9)
    settings = replace(LARGEST, fill_voids=True)
    expected, report = cleaned(labels, settings, affine=affine)

    other = affine.copy()
    other[:3, :3] = affine[:3, permutation] * [flip, 1, 1]
    if flip < 0:
        other[:3, 3] += affine[:3, permutation[0]] * (labels.shape[permutation[0]] - 1)
    turned = np.asarray(labels.transpose(permutation)[::flip], order=order)
    result, same = cleaned(turned, settings, affine=other)

    np.testing.assert_array_equal(result.voxels, expected.voxels.transpose(permutation)[::flip])
    np.testing.assert_array_equal(result.affine, other)
    assert same.changed == report.changed
    (speck,) = report.changed[1].removed
    np.testing.assert_allclose(speck.centroid_mm, to_world(affine, np.full((1, 3), 9.0))[0], atol=0.005)
    assert speck.volume_ml == pytest.approx(0.0015)


def test_a_map_that_must_not_be_written(labels):
    labels.setflags(write=False)

    result, _ = cleaned(labels, LARGEST)

    assert result.voxels[9, 9, 9] == 0


def test_an_empty_map():
    result, report = cleaned(np.zeros((3, 4, 5), dtype=np.uint8), replace(LARGEST, fill_voids=True))

    assert not result.voxels.any()
    assert (report.bones, report.components, report.changed) == (0, 0, ())


def test_a_label_outside_the_table_is_refused(labels):
    labels[0, 0, 0] = 9
    with pytest.raises(BoneTableError, match="label 9 is not in the bone table"):
        cleaned(labels, LARGEST)


def test_settings_are_checked(labels):
    with pytest.raises(SettingError, match="clean-up: near-mm must be finite"):
        cleaned(labels, replace(LARGEST, near_mm=-1.0))
