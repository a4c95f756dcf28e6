import numpy as np
import pytest

from sneakynet.phantom.bone_voxels import Grid, voxelise_bones
from sneakynet.phantom.cortex import Cortex
from sneakynet.phantom.surface import Surface

GRID = Grid((-8.3, -8.3, -8.3), (16, 14, 22), 4.0)
IDS = {"femur_left": 9, "hip_left": 8, "rib_left_1": 3, "skull": 1}


def voxelise(surfaces, grid=GRID, **options):
    given = {"ids": IDS, "cortex": Cortex(1.0, {}), "skull_mm": 6.0, **options}
    return voxelise_bones(surfaces, grid=grid, **given)


def ball(radius, centre=(0.0, 0.0, 0.0)):
    """A closed sphere, 20 times 40 patches."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, 21)[1:-1], np.linspace(0, 2 * np.pi, 41)[:-1], indexing="ij")
    ring = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    vertices = np.concatenate([ring, [[0, 0, 1], [0, 0, -1]]]) * radius + centre
    faces, last = [], 18 * 40
    for j in range(40):
        k = (j + 1) % 40
        faces += [[760, j, k], [761, last + k, last + j]]
        for i in range(18):
            a, b, c, d = i * 40 + j, (i + 1) * 40 + j, (i + 1) * 40 + k, i * 40 + k
            faces += [[a, b, c], [a, c, d]]
    return Surface(vertices, np.array(faces))


def moved(surface, *by):
    return Surface(surface.vertices + np.array(by), surface.faces)


def test_partial_volume_adds_up_to_the_volume(cuboid):
    box = cuboid(42.0, 30.0, 66.0)
    bones = voxelise({"femur_left": box})
    assert bones.bone.sum() / 255 * 64 == pytest.approx(box.volume, rel=0.02)
    assert set(np.unique(bones.labels)) == {0, 9}


@pytest.mark.parametrize(("face", "label"), [(21.0, 9), (18.5, 8)])
def test_labels_agree_with_shares(cuboid, face, label):
    # The face between two bones lies within the voxels from 17.7 to 21.7 mm: who fills more of them has them.
    surfaces = {
        "femur_left": cuboid(40.0, 30.0, face),
        "hip_left": moved(cuboid(40.0, 30.0, 50.0), 0.0, 0.0, face),
    }
    bones = voxelise(surfaces)
    np.testing.assert_array_equal(bones.labels > 0, bones.bone >= 128)
    inside = bones.labels[5, 5]
    assert inside[4:9].tolist() == [9, 9, 9, label, 8]
    assert bones.bone[5, 5, 7] == 255
    np.testing.assert_array_equal(voxelise(dict(reversed(surfaces.items()))).labels, bones.labels)


def test_cortex_lies_within_bone_and_around_its_core(cuboid):
    bones = voxelise({"femur_left": cuboid(42.0, 30.0, 66.0)}, cortex=Cortex(3.0, {}))
    assert (bones.cortex <= bones.bone).all()
    middle = (GRID.shape[0] // 2, GRID.shape[1] // 2 - 1, GRID.shape[2] // 2)
    assert bones.bone[middle] == 255
    assert bones.cortex[middle] == 0
    assert bones.cortex.sum() > 0.1 * bones.bone.sum()


def test_thicker_shells_hold_more(cuboid):
    box = {"femur_left": cuboid(42.0, 30.0, 66.0)}
    thin, thick = (voxelise(box, cortex=Cortex(factor, {})) for factor in (0.5, 1.4))
    assert thick.cortex.sum() > 1.5 * thin.cortex.sum()
    np.testing.assert_array_equal(thin.bone, thick.bone)


def test_a_thin_bone_keeps_the_voxel_it_fills_most(cuboid):
    needle = moved(cuboid(2.0, 2.0, 5.0), 9.0, 9.0, 9.0)
    bones = voxelise({"rib_left_1": needle})
    assert (bones.bone < 128).all()
    assert (bones.labels > 0).sum() == 1
    assert bones.bone[bones.labels == 3] == bones.bone.max()


def test_what_lies_outside_the_grid_leaves_nothing(cuboid):
    bones = voxelise({"rib_left_1": moved(cuboid(20.0, 20.0, 20.0), 500.0, 0.0, 0.0)})
    assert not bones.labels.any()
    assert not bones.bone.any()


def test_bones_without_a_class_are_ignored_and_legs_are_background(cuboid):
    surfaces = {"rib_left_13": cuboid(20.0, 20.0, 20.0), "l_tibia": moved(cuboid(16.0, 20.0, 40.0), 24.0, 0.0, 0.0)}
    bones = voxelise(surfaces, ignore=frozenset({"rib_left_13"}))
    assert set(np.unique(bones.labels)) == {0, 255}
    alone = voxelise({"rib_left_13": surfaces["rib_left_13"]}, ignore=frozenset({"rib_left_13"}))
    np.testing.assert_array_equal(bones.labels == 255, alone.labels == 255)
    assert bones.bone.sum() > 1.5 * alone.bone.sum()


def test_many_classes_take_a_wider_type(cuboid):
    bones = voxelise(
        {"femur_left": cuboid(20.0, 20.0, 20.0), "extra": moved(cuboid(20.0, 20.0, 20.0), 20.0, 0.0, 0.0)},
        ids={"femur_left": 300},
        ignore=frozenset({"extra"}),
    )
    assert set(np.unique(bones.labels)) == {0, 300, 65535}


def test_cartilage_is_no_bone(cuboid):
    bones = voxelise({"costal_cartilage_left": cuboid(20.0, 20.0, 20.0)})
    assert not bones.bone.any()
    assert not bones.labels.any()
    assert bones.cartilage.sum() / 255 * 64 == pytest.approx(8000, rel=0.02)


def test_the_skull_is_hollow():
    grid = Grid((-70.0, -70.0, -70.0), (47, 47, 47), 3.0)
    bones = voxelise({"skull": ball(60.0)}, grid=grid, skull_mm=7.5)
    assert bones.bone[23, 23, 23] == 0
    assert bones.labels[23, 23, 23] == 0
    wall = 4 / 3 * np.pi * (60.0**3 - 52.5**3)
    assert bones.bone.sum() / 255 * 27 == pytest.approx(wall, rel=0.1)
    assert (bones.cortex <= bones.bone).all()
    # Two tables of 1.7 mm with spongy bone between them.
    assert 0.25 < bones.cortex.sum() / bones.bone.sum() < 0.75
