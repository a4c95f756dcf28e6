"""GLB files as another library reads them."""

import json
import struct

import numpy as np
import pytest
import trimesh

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import OutputError
from sneakynet.export.meshes.bone_meshes import bone_meshes
from sneakynet.export.meshes.glb import write_glb
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()
NAMES = ("skull", "rib_left_3", "rib_right_3")


@pytest.fixture
def meshes():
    """Blocks of 8 by 8 by 16 mm, 20 mm apart to the left; the second lies 10 mm further front."""
    voxels = np.zeros((30, 20, 12), dtype=np.uint8)
    for n, name in enumerate(NAMES):
        voxels[20 - 10 * n : 24 - 10 * n, 3 + 5 * (n == 1) : 7 + 5 * (n == 1), 2:10] = TABLE[name].id
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = (100.0, -50.0, 700.0)
    return bone_meshes(Volume(voxels, affine), table=TABLE)


def header_of(path):
    content = path.read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    return json.loads(content[20 : 20 + length])


def test_names_units_colours_and_places(tmp_path, meshes):
    path = tmp_path / "a.glb"
    write_glb(path, meshes, facts={"labels": "a.nii.gz"})
    scene = trimesh.load_scene(path)
    assert set(scene.graph.nodes_geometry) == set(NAMES)
    for mesh in meshes:
        turn, name = scene.graph[mesh.bone.name]
        read = scene.geometry[name]
        assert read.is_watertight
        assert read.is_winding_consistent
        assert read.volume * 1e6 == pytest.approx(mesh.voxels_ml, rel=0.02)
        assert np.array_equal(turn, np.eye(4))
        back = np.array(scene.graph.transforms.edge_data["world", "skeleton"]["metadata"]["gltf_to_patient_ras_mm"])
        ras = trimesh.transform_points(read.vertices, back)
        np.testing.assert_allclose(ras.mean(0), mesh.vertices.mean(0), atol=0.5)
        outwards = read.vertices - read.vertices.mean(0)
        assert (np.einsum("ij,ij->i", read.vertex_normals, outwards) > 0).all()
        red, green, blue = (int(mesh.bone.color[n : n + 2], 16) / 255 for n in (1, 3, 5))
        linear = read.visual.material.baseColorFactor[:3] / 255
        np.testing.assert_allclose(linear ** (1 / 2.2), (red, green, blue), atol=0.05)
    skull, left = (scene.geometry[name].centroid for name in NAMES[:2])
    np.testing.assert_allclose(left - skull, (0.02, 0, 0.01), atol=1e-4)  # to the left, and to the front


def test_the_tree_and_its_extras(tmp_path, meshes):
    path = tmp_path / "a.glb"
    write_glb(path, meshes, facts={"labels": "a.nii.gz"})
    header = header_of(path)
    nodes = {node["name"]: node for node in header["nodes"]}
    assert len(nodes) == len(header["nodes"])

    def children(name):
        return {header["nodes"][n]["name"] for n in nodes[name]["children"]}

    assert [header["nodes"][n]["name"] for n in header["scenes"][0]["nodes"]] == ["skeleton"]
    assert children("skeleton") == {"group skull", "group ribs"}
    assert children("group ribs") == {"group ribs left", "group ribs right"}
    assert children("group ribs left") == {"rib_left_3"}
    rib = nodes["rib_left_3"]["extras"]
    bone = TABLE["rib_left_3"]
    assert (rib["id"], rib["side"], rib["snomed_code"]) == (bone.id, "left", bone.snomed_code)
    assert header["asset"]["extras"] == nodes["skeleton"]["extras"]
    assert header["asset"]["extras"]["labels"] == "a.nii.gz"
    lps = np.array(header["asset"]["extras"]["gltf_to_patient_lps_mm"])
    np.testing.assert_allclose(lps @ (0.1, 0.2, 0.3, 1), (100, -300, 200, 1))  # left, front, up
    assert {view.get("target") for view in header["bufferViews"]} == {34962, 34963}


def test_what_cannot_be_written(tmp_path, meshes):
    with pytest.raises(OutputError, match="there is no folder"):
        write_glb(tmp_path / "no" / "a.glb", meshes, facts={})
