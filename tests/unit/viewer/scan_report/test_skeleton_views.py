import subprocess

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.export.meshes.bone_meshes import bone_meshes
from sneakynet.viewer.scan_report.skeleton_views import skeleton_views

TABLE = BoneTable.default()


@pytest.fixture(scope="module")
def views(trunk):
    return {view.side: view for view in skeleton_views(bone_meshes(trunk.labels, table=TABLE))}


def middle_column(view, name):
    """Where a bone's colour is, over the picture's width."""
    red, green, blue = (int(TABLE[name].color[n : n + 2], 16) for n in (1, 3, 5))
    color = np.array([red, green, blue]) / max(red, green, blue)
    pixels = view.picture[..., :3] / np.maximum(view.picture[..., :3].max(axis=-1, keepdims=True), 1)
    near = (np.abs(pixels - color).max(axis=-1) < 0.12) & (view.picture[..., 3] == 255)
    return np.argwhere(near)[:, 1].mean() / view.picture.shape[1]


def test_four_sides_to_one_scale(views):
    assert list(views) == ["front", "left", "back", "right"]
    assert {view.picture.shape[0] for view in views.values()} == {640}
    assert len({view.pixel_mm for view in views.values()}) == 1
    # Bones reach 26 voxels from side to side and 36 from foot to head.
    assert views["front"].picture.shape[1] / 640 == pytest.approx(26 / 36, rel=0.02)


def test_the_patients_right_is_on_the_left_from_the_front(views):
    assert views["front"].letters == ("R", "L")
    assert middle_column(views["front"], "femur_right") < 0.3
    assert middle_column(views["back"], "femur_right") > 0.7


def test_nothing_lies_behind_the_skeleton(views):
    corner = views["front"].picture[0, 0]
    assert corner[3] == 0
    assert 0.3 < (views["front"].picture[..., 3] > 0).mean() < 0.9


def test_no_bones_no_pictures():
    assert skeleton_views(()) == ()


def test_a_machine_that_cannot_draw(trunk, monkeypatch, caplog):
    def crashed(command, **_):
        raise subprocess.CalledProcessError(-11, command)

    monkeypatch.setattr(subprocess, "run", crashed)
    assert skeleton_views(bone_meshes(trunk.labels, table=TABLE)) == ()
    assert "cannot draw surfaces (no OpenGL)" in caplog.text
