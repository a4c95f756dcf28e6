import json

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import BoneTableError, VolumeError
from sneakynet.viewer.browser.view_data import Layer, write_view
from sneakynet.volumes.read import read_labels, read_volume
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((
    Bone(1, "ring", group="rings", color="#102030"),
    Bone(2, "block_left", side="left", color="#ff0000"),
    Bone(3, "absent"),
))  # fmt: skip
AFFINE = np.diag([-2.0, 2.0, 3.0, 1.0])  # i grows to the left


def scan():
    return Volume(np.arange(12 * 10 * 8, dtype=np.int16).reshape(12, 10, 8), AFFINE)


def labels():
    voxels = np.zeros((12, 10, 8), dtype=np.uint16)
    voxels[1:6, 1:6, 3] = 1
    voxels[2:5, 2:5, 3] = 0
    voxels[8:11, 3:6, 0:3] = 2
    return Volume(voxels, AFFINE)


def layer(volume=None, key="labels"):
    return Layer(key, key.title(), f"{key}.nii.gz", labels() if volume is None else volume)


def test_the_manifest(tmp_path):
    manifest = write_view(tmp_path / "new", scan(), [layer()], table=TABLE, name="ct.nii.gz")
    assert json.loads((tmp_path / "new" / "view.json").read_text()) == manifest
    assert (manifest["format"], manifest["format_version"], manifest["title"]) == ("sneakynet view", 1, "ct.nii.gz")
    assert manifest["notices"] == []
    assert manifest["scan"] == {"url": "scan.nii", "name": "ct.nii.gz", "averaged": [1, 1, 1], "hu": [0, 959]}
    (shown,) = manifest["layers"]
    assert (shown["key"], shown["title"], shown["url"], shown["glb"]) == ("labels", "Labels", "labels.nii", None)
    assert shown["meshes"] == {"state": "waiting"}
    ring, block = shown["bones"]
    assert (ring["id"], ring["name"], ring["group"], ring["color"]) == (1, "ring", "rings", "#102030")
    assert (ring["voxels"], ring["side"], ring["touches_edge"], ring["mesh"]) == (16, None, False, None)
    assert (block["group"], block["side"], block["touches_edge"]) == ("other", "left", True)
    assert block["volume_ml"] == pytest.approx(27 * 12 / 1000)


def test_the_focus_lies_within_the_bone(tmp_path):
    ring, block = write_view(tmp_path, scan(), [layer()], table=TABLE, name="a")["layers"][0]["bones"]
    assert ring["centroid_mm"] == [-6, 6, 9]  # a hole
    index = np.linalg.inv(AFFINE) @ [*ring["focus_mm"], 1]
    assert labels().voxels[tuple(np.rint(index[:3]).astype(int))] == 1
    assert block["focus_mm"] == [-18, 8, 3]


def test_the_files_hold_what_was_given(tmp_path):
    write_view(tmp_path, scan(), [layer()], table=TABLE, name="a")
    shown, found = read_volume(tmp_path / "scan.nii"), read_labels(tmp_path / "labels.nii")
    np.testing.assert_array_equal(shown.voxels, scan().voxels[::-1])  # in RAS+
    np.testing.assert_array_equal(found.voxels, labels().voxels[::-1])
    assert found.voxels.dtype == np.uint8
    np.testing.assert_allclose(shown.affine @ [11, 0, 0, 1], [0, 0, 0, 1])


def test_without_labels(tmp_path):
    manifest = write_view(tmp_path, scan(), table=TABLE, name="a")
    assert manifest["layers"] == []
    assert {path.name for path in tmp_path.iterdir()} == {"scan.nii", "view.json"}


def test_compressed(tmp_path):
    manifest = write_view(tmp_path, scan(), [layer()], table=TABLE, name="a", compress=True, surfaces=False)
    assert (manifest["scan"]["url"], manifest["layers"][0]["url"]) == ("scan.nii.gz", "labels.nii.gz")
    assert manifest["layers"][0]["meshes"] == {"state": "none"}
    assert read_labels(tmp_path / "labels.nii.gz").shape == (12, 10, 8)


def test_too_many_voxels(tmp_path):
    manifest = write_view(tmp_path, scan(), [layer()], table=TABLE, name="a", limit=500)
    assert manifest["scan"]["averaged"] == [2, 1, 1]
    assert "12 x 10 x 8 voxels and is shown at 6 x 10 x 8" in manifest["notices"][0]
    assert manifest["layers"][0]["bones"][0]["voxels"] == 16  # all of them count
    assert read_labels(tmp_path / "labels.nii").shape == (6, 10, 8)
    assert read_labels(tmp_path / "labels_full.nii").shape == (12, 10, 8)
    write_view(tmp_path, scan(), [layer()], table=TABLE, name="a", limit=None)
    assert read_labels(tmp_path / "labels.nii").shape == (12, 10, 8)
    assert not (tmp_path / "labels_full.nii").exists()


def test_what_counts_nowhere_is_not_shown(tmp_path):
    voxels = labels().voxels
    voxels[0, 0, 0] = 65535
    manifest = write_view(tmp_path, scan(), [layer(Volume(voxels, AFFINE))], table=TABLE, name="a")
    assert len(manifest["layers"][0]["bones"]) == 2
    assert read_labels(tmp_path / "labels.nii").voxels.max() == 2


def test_an_empty_label_map(tmp_path):
    empty = Volume(np.zeros((12, 10, 8), dtype=np.uint8), AFFINE)
    assert write_view(tmp_path, scan(), [layer(empty)], table=TABLE, name="a")["layers"][0]["bones"] == []


def test_another_grid_is_said(tmp_path):
    coarse = Volume(labels().voxels[::2], AFFINE @ np.diag([2.0, 1, 1, 1]))
    manifest = write_view(tmp_path, scan(), [layer(coarse)], table=TABLE, name="a")
    assert manifest["notices"] == [
        "labels.nii.gz lies on another grid than the scan and is shown where its voxels lie."
    ]


def test_labels_of_another_place_are_refused(tmp_path):
    away = AFFINE.copy()
    away[2, 3] = 900
    with pytest.raises(
        VolumeError, match=r"reference\.nii\.gz lies from .* they do not meet; give the label map of this"
    ):
        write_view(
            tmp_path, scan(), [layer(), layer(Volume(labels().voxels, away), "reference")], table=TABLE, name="a"
        )


def test_labels_outside_the_table_are_refused(tmp_path):
    with pytest.raises(BoneTableError, match="label 7 is not in the bone table"):
        write_view(tmp_path, scan(), [layer(Volume(np.full((12, 10, 8), 7), AFFINE))], table=TABLE, name="a")
