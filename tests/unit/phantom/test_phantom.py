import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
from sneakynet.phantom.phantom import make_phantom
from sneakynet.phantom.skeleton import skeleton

TABLE = BoneTable.default()


@pytest.fixture(scope="module")
def trunk():
    return make_phantom(3, spacing=6.0, field="trunk")


def test_same_seed_same_scan(trunk):
    again = make_phantom(3, spacing=6.0, field="trunk")
    np.testing.assert_array_equal(trunk.scan.voxels, again.scan.voxels)
    np.testing.assert_array_equal(trunk.labels.voxels, again.labels.voxels)


def test_other_seed_other_body(trunk):
    other = make_phantom(4, spacing=6.0, field="trunk")
    assert other.scan.shape != trunk.scan.shape or (other.labels.voxels != trunk.labels.voxels).any()


def test_scan_is_ct_and_bone_is_bright(trunk):
    hu, bone = trunk.scan.voxels, trunk.labels.voxels > 0
    assert hu.dtype == np.int16
    assert np.median(hu[bone]) > 150
    assert hu[~bone].min() < -900
    assert -200 < np.median(hu[(hu > -300) & ~bone]) < 100


def test_bones_lie_in_their_order_and_on_their_side(trunk):
    labels, affine = trunk.labels.voxels, trunk.labels.affine
    centre = {}
    for label in np.unique(labels[labels > 0]):
        index = np.argwhere(labels == label).mean(0)
        centre[TABLE.by_id(int(label)).name] = affine[:3, :3] @ index + affine[:3, 3]
    spine = [centre[b.name][2] for b in TABLE if b.series == "vertebra" and b.name in centre]
    assert spine == sorted(spine, reverse=True)
    assert len(spine) >= 12
    for bone in TABLE:
        if bone.side == "left" and bone.name in centre and bone.mirror in centre:
            assert centre[bone.name][0] < centre[bone.mirror][0]


def test_no_bone_of_the_source_vanishes_at_a_coarse_spacing():
    surfaces = skeleton().posed({})
    low = np.min([s.vertices.min(0) for s in surfaces.values()], axis=0) - 10
    high = np.max([s.vertices.max(0) for s in surfaces.values()], axis=0) + 10
    shape = tuple(int(n) for n in np.ceil((high - low) / 8.0))
    bones = voxelise_bones(
        surfaces,
        grid=Grid(tuple(low), shape, 8.0),
        ids={bone.name: bone.id for bone in TABLE},
        cortex_mm=dict.fromkeys(surfaces, 2.0),
        skull_mm=6.0,
    )
    found = {TABLE.by_id(int(label)).name for label in np.unique(bones.labels[bones.labels > 0])}
    assert found == set(TABLE.names)


def test_partial_volume_adds_up_to_the_volume(cuboid):
    box = cuboid(42, 30, 66)
    grid = Grid((-8.3, -8.3, -8.3), (16, 14, 22), 4.0)
    bones = voxelise_bones(
        {"femur_left": box}, grid=grid, ids={"femur_left": 9}, cortex_mm={"femur_left": 2.0}, skull_mm=5.0
    )
    assert bones.bone.sum() * 64 == pytest.approx(box.volume, rel=0.1)
    assert set(np.unique(bones.labels)) == {0, 9}
    assert (bones.bone[bones.labels > 0] >= 0.5).all()
    assert (bones.cortex <= bones.bone + 1e-6).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed is a whole number from 0 on, got -1"),
        ({"seed": 0, "spacing": 0.1}, "spacing is 0.5 to 12.0 mm per voxel, got 0.1"),
        ({"seed": 0, "field": "foot"}, "field of view is one of whole, chest.*got 'foot'"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(SettingError, match=message):
        make_phantom(**settings)
