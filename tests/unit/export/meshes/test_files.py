"""One file per bone as other readers see it."""

import json

import numpy as np
import pytest
import trimesh
from vtkmodules.vtkIOGeometry import vtkSTLReader

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import OutputError
from sneakynet.export.meshes.bone_meshes import bone_meshes
from sneakynet.export.meshes.files import write_mesh_folder
from sneakynet.volumes.volume import Volume

TABLE = BoneTable.default()


@pytest.fixture
def meshes():
    voxels = np.zeros((20, 12, 12), dtype=np.uint8)
    voxels[2:8, 2:8, 2:8], voxels[12:, 2:8, 2:8] = TABLE["hyoid"].id, TABLE["mandible"].id
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] = (100.0, -50.0, 700.0)
    return bone_meshes(Volume(voxels, affine), table=TABLE)


@pytest.mark.parametrize("format", ["stl", "ply", "obj"])
def test_lps_mm(tmp_path, meshes, format):
    write_mesh_folder(tmp_path / "out", meshes, format=format, facts={})
    read = trimesh.load_mesh(tmp_path / "out" / f"hyoid.{format}")
    np.testing.assert_allclose(read.bounds.mean(0), (-104.5, 45.5, 709.0), atol=1e-3)
    assert read.is_watertight
    assert read.volume == pytest.approx(6 * 6 * 12, rel=0.02)
    head = (tmp_path / "out" / f"hyoid.{format}").read_bytes()[:200]
    assert b"SPACE=LPS" in head  # what 3D Slicer looks for
    if format == "ply":
        assert tuple(read.visual.vertex_colors[0][:3]) == tuple(bytes.fromhex(TABLE["hyoid"].color[1:]))


def test_stl_in_vtk(tmp_path, meshes):
    write_mesh_folder(tmp_path / "out", meshes, format="stl", facts={})
    reader = vtkSTLReader()
    reader.SetFileName(str(tmp_path / "out" / "mandible.stl"))
    reader.Update()
    low, high = np.array(reader.GetOutput().GetBounds()).reshape(3, 2).T
    np.testing.assert_allclose((low + high) / 2, (-115.5, 45.5, 709), atol=1e-3)
    assert reader.GetHeader().startswith("mandible SPACE=LPS")


def test_what_the_folder_says(tmp_path, meshes):
    record = write_mesh_folder(tmp_path / "out", meshes, format="stl", facts={"labels": "a.nii.gz"})
    assert record == json.loads((tmp_path / "out" / "meshes.json").read_text())
    assert record["labels"] == "a.nii.gz"
    mandible, hyoid = record["bones"]
    assert (hyoid["name"], hyoid["file"], hyoid["cut"], mandible["cut"]) == ("hyoid", "hyoid.stl", False, True)
    assert hyoid["voxels_ml"] == pytest.approx(0.432)
    assert hyoid["volume_ml"] == pytest.approx(0.432, rel=0.02)
    assert hyoid["color"] == TABLE["hyoid"].color
    assert hyoid["watertight"] is True
    assert 3.0 < hyoid["area_cm2"] < 3.61  # a block of 6 by 6 by 12 mm has 3.6
    reader = vtkSTLReader()
    reader.SetFileName(str(tmp_path / "out" / "hyoid.stl"))
    reader.Update()
    assert reader.GetOutput().GetNumberOfPolys() == hyoid["triangles"]


def test_a_folder_that_is_there_stays(tmp_path, meshes):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        write_mesh_folder(tmp_path, meshes, format="stl", facts={})
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
