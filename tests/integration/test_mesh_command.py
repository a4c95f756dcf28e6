"""``sneakynet mesh`` on files."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import trimesh

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels

SHARED = Path(__file__).parents[3] / "shared" / "data"
TABLE = BoneTable.default()
AFFINE = np.diag([-2.0, 2.0, 3.0, 1.0])


def save(path, names=("rib_left_1", "hyoid")):
    voxels = np.zeros((30, 12, 12), dtype=np.uint8)
    for n, name in enumerate(names):
        voxels[2 + 12 * n : 12 + 12 * n, 2:10, 2:9] = TABLE[name].id
    colors = {bone.id: bone.color for bone in TABLE}
    write_labels(path, Volume(voxels, AFFINE), names={bone.id: bone.name for bone in TABLE}, colors=colors)
    return str(path)


def test_one_glb(tmp_path, capsys):
    out = tmp_path / "new" / "a.glb"
    assert main(["mesh", save(tmp_path / "a.nii.gz"), "-o", str(out), "--json"]) == 0
    printed, told = capsys.readouterr()
    (record,) = json.loads(printed)
    assert [bone["name"] for bone in record["bones"]] == ["hyoid", "rib_left_1"]
    assert (record["status"], record["output"]) == ("done", str(out))
    assert "2 bones" in told
    for geometry in trimesh.load_scene(out).geometry.values():
        assert geometry.is_watertight
        assert geometry.volume * 1e6 == pytest.approx(10 * 8 * 7 * 12 / 1000, rel=0.02)


def test_what_is_there_is_left(tmp_path, capsys):
    labels, out = save(tmp_path / "a.nii.gz"), tmp_path / "out"
    assert main(["mesh", labels, "-o", str(out), "--bones", "ribs", "hyoid", "--format", "ply"]) == 0
    assert {path.name for path in out.iterdir()} == {"hyoid.ply", "rib_left_1.ply", "meshes.json"}
    assert main(["mesh", labels, "-o", str(out), "--bones", "ribs", "--json"]) == 0
    printed, told = capsys.readouterr()
    assert json.loads(printed)[0]["status"] == "skipped"
    assert "--overwrite does it again" in told
    assert main(["mesh", labels, "-o", str(out), "--bones", "ribs", "--overwrite"]) == 0
    assert {path.name for path in out.iterdir()} == {"rib_left_1.stl", "meshes.json"}


def test_several(tmp_path, capsys):
    """One that cannot be used does not stop the others."""
    (tmp_path / "in").mkdir()
    save(tmp_path / "in" / "a.nii.gz")
    save(tmp_path / "in" / "b.seg.nrrd")
    (tmp_path / "in" / "c.nii.gz").write_bytes(b"no")
    out = tmp_path / "out"
    assert main(["mesh", str(tmp_path / "in"), "-o", str(out), "--format", "glb", "--json"]) == 2
    printed, told = capsys.readouterr()
    assert [record["status"] for record in json.loads(printed)] == ["done", "done", "failed"]
    assert "1 of 3 label maps failed" in told
    assert {path.name for path in out.iterdir()} == {"a.glb", "b.glb"}
    assert main(["mesh", str(tmp_path / "in" / "a.nii.gz"), str(tmp_path / "in" / "b.seg.nrrd"), "-o", str(out)]) == 0
    assert (out / "b" / "hyoid.stl").exists()


def test_labels_without_names(tmp_path, capsys):
    voxels = np.zeros((8, 8, 8), dtype=np.uint8)
    voxels[2:6, 2:6, 2:6] = 22
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), tmp_path / "a.nii.gz")
    words = ["mesh", str(tmp_path / "a.nii.gz"), "-o", str(tmp_path / "out"), "--labels-table", "verse"]
    assert main(words) == 0
    assert (tmp_path / "out" / "vertebrae_L3.stl").exists()
    voxels[0] = 200
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), tmp_path / "b.nii.gz")
    assert main(["mesh", str(tmp_path / "b.nii.gz"), "-o", str(tmp_path / "b")]) == 2
    assert "mesh, dicom: --labels-table" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_bad_input(tmp_path, capsys):
    labels = save(tmp_path / "a.nii.gz")
    empty = tmp_path / "empty.nii.gz"
    write_labels(empty, Volume(np.zeros((4, 4, 4), dtype=np.uint8), AFFINE), names={1: "skull"}, colors={1: "#ffffff"})
    out, glb = str(tmp_path / "out"), str(tmp_path / "a.glb")
    for words, text in (
        ([labels, "-o", out, "--bones", "rips"], "no bone or group is named 'rips' (did you mean ribs"),
        ([labels, "-o", out, "--smooth", "2"], "--smooth is 0"),
        ([labels, "-o", out, "--error", "nan"], "--error is 0"),
        ([labels, "-o", glb, "--format", "stl"], "leave out --format stl"),
        (["-o", glb], "give label maps to make surfaces of"),
        ([labels, "-o", str(tmp_path / "a.obj")], "give a folder and --format obj, or a .glb file for all"),
        ([labels, "-o", str(tmp_path / "a.gltf")], "give a folder, or a .glb file for all"),
        ([labels, str(empty), "-o", glb], "is one file for 2 label maps"),
        ([labels, save(tmp_path / "a.seg.nrrd"), "-o", out], "two label maps have the same name"),
        ([str(tmp_path / "x.nii.gz"), "-o", out], "there is no"),
        ([str(empty), "-o", out], "holds no bone; nothing is written"),
        ([labels, "-o", out, "--bones", "mandible"], "holds no bone of those asked for"),
        ([labels, "-o", out, "--table", str(tmp_path / "no.csv")], "cannot read the bone table"),
    ):
        assert main(["mesh", *words]) == 2, words
        out_, err = capsys.readouterr()
        assert out_ == ""
        assert text in err
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("a.[go]*"))


def test_the_extra_is_named(tmp_path):
    program = """
import sys
from sneakynet.cli.main import main

for module in ("vtkmodules", "manifold3d", "trimesh"):
    sys.modules[module] = None  # as if it were not installed
    assert main(["mesh", "a.nii.gz", "-o", "a.glb"]) == 2
    del sys.modules[module]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"error: this needs the package {module}, which is not installed; run pip install 'sneakynet[mesh]'"
        for module in ("vtkmodules", "manifold3d", "trimesh")
    ]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real scans are not at hand")
def test_a_real_label_map(tmp_path, capsys):
    labels = SHARED / "ct_abdomen_pelvis_3mm" / "labels.nii.gz"
    words = ["mesh", str(labels), "-o", str(tmp_path / "a.glb"), "--labels-table", "totalsegmentator", "--json"]
    assert main(words) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert len(record["bones"]) == 24
    for bone in record["bones"]:
        assert bone["watertight"]
        assert bone["volume_ml"] == pytest.approx(bone["voxels_ml"], rel=0.02)
    scene = trimesh.load_scene(tmp_path / "a.glb")
    left, right = (scene.geometry[f"hip_{side}"].centroid for side in ("left", "right"))
    assert left[0] > right[0]
    assert scene.geometry["vertebrae_L1"].centroid[1] > scene.geometry["vertebrae_L5"].centroid[1]
