"""Surfaces against the voxels that they stand for."""

import itertools

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import BoneTableError, SettingError
from sneakynet.export.meshes.bone_meshes import MeshSettings, bone_meshes
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
SPACING = (0.8, 1.0, 2.0)


def ball(radius=14.0, spacing=SPACING, label=1):
    n = [int(2 * radius / step) + 5 for step in spacing]
    axes = np.meshgrid(
        *[(np.arange(m) - (m - 1) / 2) * step for m, step in zip(n, spacing, strict=True)], indexing="ij"
    )
    return np.where(sum(axis**2 for axis in axes) <= radius**2, label, 0).astype(np.uint8)


def affine_of(spacing=SPACING, turn=None):
    affine = np.diag([*spacing, 1.0])
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ affine[:3, :3]
    affine[:3, 3] = (-40.0, 30.0, 900.0)
    return affine


def meshes_of(voxels, affine=None, **arguments):
    return bone_meshes(Volume(voxels, affine_of() if affine is None else affine), table=TABLE, **arguments)


TURNS = {
    f"{order}{signs}": np.eye(3)[list(order)] * signs
    for order in itertools.permutations(range(3))
    for signs in ((1, 1, 1), (-1, 1, 1), (-1, -1, -1))
}
_c, _s = np.cos(0.5), np.sin(0.5)
TURNS["oblique"] = np.array([[_c, -_s, 0], [_s, _c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, _c, _s], [0, -_s, _c]])
TURNS["oblique mirrored"] = TURNS["oblique"] * (1, 1, -1)
TURNS["sheared"] = np.array([[1, 0.3, 0], [0, 1, 0.2], [0, 0, 1]])


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_a_ball_on_any_grid(turn):
    voxels, affine = ball(), affine_of(turn=turn)
    (mesh,) = meshes_of(voxels, affine)
    assert mesh.volume_ml == pytest.approx(mesh.voxels_ml, rel=0.002)  # positive: outwards
    assert mesh.watertight
    centre = affine[:3, :3] @ ((np.array(voxels.shape) - 1) / 2) + affine[:3, 3]
    np.testing.assert_allclose(mesh.vertices.mean(0), centre, atol=0.8)
    assert (np.einsum("ij,ij->i", mesh.normals, mesh.vertices - centre) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1)
    if "sheared" not in TURNS or turn is not TURNS["sheared"]:
        radius = np.linalg.norm(mesh.vertices - centre, axis=1)
        assert abs(radius - 14).max() < 1.0  # half a voxel's height
        assert mesh.area_cm2 == pytest.approx(4 * np.pi * 1.4**2, rel=0.03)  # no stairs, which would be a third more


@pytest.mark.parametrize(("smooth", "error"), [(0.0, 0.0), (0.65, 0.2), (1.0, 0.0), (0.65, 1.0)])
def test_thin_bones_are_not_eaten(smooth, error):
    """A bent rib of 2 by 2 voxels and a phalanx of 3 by 3 by 8 keep volume and length."""
    voxels = np.zeros((50, 30, 20), dtype=np.uint8)
    for i in range(4, 46):
        j = 4 + round(18 * np.sin(np.pi * (i - 4) / 42))
        voxels[i, j : j + 2, 4:6] = 1
    voxels[20:23, 2:5, 8:16] = 2
    rib, phalanx = meshes_of(voxels, settings=MeshSettings(smooth=smooth, error=error))
    for mesh, label in ((rib, 1), (phalanx, 2)):
        assert mesh.volume_ml == pytest.approx(mesh.voxels_ml, rel=0.02)
        assert mesh.watertight
        size = (np.ptp(np.argwhere(voxels == label), axis=0) + 1) * SPACING
        assert (np.ptp(mesh.vertices, axis=0) > size - np.array(SPACING)).all()


def test_an_error_saves_triangles_and_is_kept():
    all_, few = (meshes_of(ball(25.0), settings=MeshSettings(error=error))[0] for error in (0.0, 0.3))
    assert len(few.faces) < 0.6 * len(all_.faces)
    assert all_.deviation_mm == 0
    assert 0 < few.deviation_mm < 0.4


def test_touching_boxes_leave_no_gap():
    voxels = np.zeros((30, 14, 12), dtype=np.uint8)
    voxels[2:15, 2:12, 2:10], voxels[15:28, 3:11, 3:9] = 1, 2
    one, other = meshes_of(voxels, settings=MeshSettings(error=0.5))
    shared = {*map(tuple, one.vertices)} & {*map(tuple, other.vertices)}
    assert len(shared) == 9 * 7  # every corner of the 8 by 6 voxel faces between them
    both = np.array(sorted(shared))
    assert np.ptp(both[:, 1]) == pytest.approx(8 * 1.0, abs=1.0)
    for mesh in (one, other):
        assert mesh.watertight
        assert mesh.volume_ml == pytest.approx(mesh.voxels_ml, rel=0.02)


def test_a_bone_that_the_scan_cuts_is_closed_there():
    voxels = ball()[:, :, :10]
    (mesh,) = meshes_of(voxels)
    assert (mesh.cut, mesh.watertight) == (True, True)
    assert mesh.volume_ml == pytest.approx(mesh.voxels_ml, rel=0.002)
    assert meshes_of(ball())[0].cut is False


def test_bones_can_be_chosen():
    voxels = np.zeros((20, 10, 10), dtype=np.uint16)
    voxels[2:8, 2:8, 2:8], voxels[8:14, 2:8, 2:8] = 1, 125
    names = [bone.name for bone in TABLE]
    (mesh,) = meshes_of(voxels, bones={names[124], "hyoid"})
    assert mesh.bone.id == 125
    assert mesh.vertices[:, 0].min() == pytest.approx(-40 + 7.5 * 0.8, abs=0.4)
    assert [mesh.bone.id for mesh in meshes_of(voxels)] == [1, 125]


def test_nothing_is_made_of_nothing():
    assert meshes_of(np.zeros((5, 5, 5), dtype=np.uint8)) == ()
    assert meshes_of(ball(), bones={"hyoid"}) == ()


def test_one_voxel_is_a_bone():
    voxels = np.zeros((3, 3, 3), dtype=np.uint8)
    voxels[1, 1, 1] = 5
    (mesh,) = meshes_of(voxels)
    assert mesh.watertight
    assert mesh.volume_ml == pytest.approx(mesh.voxels_ml, rel=0.02)


@pytest.mark.parametrize(
    ("settings", "text"),
    [(MeshSettings(smooth=1.5), "--smooth is 0 .* to 1, got 1.5"), (MeshSettings(error=-1.0), "--error is 0 .*got -1")],
)
def test_settings_out_of_range(settings, text):
    with pytest.raises(SettingError, match=text):
        meshes_of(ball(), settings=settings)


def test_a_label_outside_the_table():
    with pytest.raises(BoneTableError, match="label 200 is not in the bone table"):
        meshes_of(ball(label=200))
