import json
import struct

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.errors import SettingError
from sneakynet.viewer.browser import view_meshes
from sneakynet.viewer.browser.view_data import Layer, write_view
from sneakynet.viewer.browser.view_meshes import write_view_meshes
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "one"), Bone(2, "two")))
AFFINE = np.array([[2.0, 0, 0, 50], [0, 2.0, 0, 0], [0, 0, 2.0, 0], [0, 0, 0, 1]])


@pytest.fixture
def folder(tmp_path):
    voxels = np.zeros((12, 12, 12), dtype=np.uint8)
    voxels[2:5, 2:9, 2:9] = 1
    voxels[7:10, 2:9, 2:9] = 2
    scan, layer = (
        Volume(np.zeros(voxels.shape, dtype=np.int16), AFFINE),
        Layer("labels", "L", "l", Volume(voxels, AFFINE)),
    )
    write_view(tmp_path, scan, [layer], table=TABLE, name="a", limit=900)  # surfaces are of all voxels nevertheless
    return tmp_path


def manifest(folder):
    return json.loads((folder / "view.json").read_text())


def test_files_and_manifest(folder, monkeypatch):
    said = []
    write = view_meshes.write_manifest
    monkeypatch.setattr(
        view_meshes, "write_manifest", lambda *args: (said.append(dict(args[1]["layers"][0]["meshes"])), write(*args))
    )
    write_view_meshes(folder, table=TABLE)
    (layer,) = manifest(folder)["layers"]
    assert said[0] == {"state": "making", "done": 0, "total": 2}
    assert layer["meshes"] == {"state": "ready", "done": 2, "total": 2}
    assert not (folder / "labels_full.nii").exists()
    for bone in layer["bones"]:
        assert (folder / bone["stl"]).read_bytes().startswith(f"{bone['name']} SPACE=LPS".encode())
    assert (folder / layer["glb"]).read_bytes().startswith(b"glTF")


def test_surfaces_lie_in_the_world(folder):
    write_view_meshes(folder, table=TABLE)
    content = (folder / manifest(folder)["layers"][0]["bones"][0]["mesh"]).read_bytes()
    magic, kind, faces, vertices, skipped = struct.unpack_from("<HHIII", content)
    assert (magic, kind, skipped) == (23117, 3, 0)
    triangles = np.frombuffer(content, "<i4", faces * 3, offset=16).reshape(-1, 3)
    points = np.frombuffer(content, "<f4", vertices * 3, offset=16 + 12 * faces).reshape(-1, 3)
    assert len(content) == 16 + 12 * faces + 12 * vertices
    assert triangles.max() == vertices - 1
    np.testing.assert_allclose(points.mean(axis=0), [56, 10, 10], atol=0.5)  # RAS+
    np.testing.assert_allclose(points.min(axis=0), [53, 3, 3], atol=0.8)


def test_what_is_missing_is_said_on_the_page(folder, monkeypatch):
    def refuse(name, *, extra):
        raise SettingError(f"install {name} of {extra}")

    monkeypatch.setattr(view_meshes, "optional_package", refuse)
    with pytest.raises(SettingError, match="install vtkmodules of viewer"):
        write_view_meshes(folder, table=TABLE)
    assert manifest(folder)["layers"][0]["meshes"] == {"state": "failed", "why": "install vtkmodules of viewer"}
