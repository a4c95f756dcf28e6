"""``sneakynet inspect`` on files: bodies of blocks, so that nothing needs to be rendered."""

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

SHARED = Path(__file__).parents[3] / "shared" / "data"
TABLE = BoneTable.default()
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def save(path, voxels):
    names = {bone.id: bone.name for bone in TABLE}
    write_labels(path, Volume(voxels, AFFINE), names=names, colors={bone.id: bone.color for bone in TABLE})


@pytest.fixture
def spine():
    """L2 to L4, 64 ml each, 36 mm apart."""
    voxels = np.zeros((20, 20, 40), dtype=np.uint8)
    for n, name in enumerate(("vertebrae_L4", "vertebrae_L3", "vertebrae_L2")):
        voxels[5:15, 5:15, 3 + 9 * n : 3 + 9 * n + 8] = TABLE[name].id
    return voxels


@pytest.fixture
def swapped(spine):
    l2, l3 = (TABLE[f"vertebrae_L{n}"].id for n in (2, 3))
    return np.where(spine == l2, l3, np.where(spine == l3, l2, spine)).astype(np.uint8)


def test_a_folder_worst_first(tmp_path, capsys, spine, swapped):
    (tmp_path / "labels").mkdir()
    save(tmp_path / "labels" / "fine.nii.gz", spine)
    save(tmp_path / "labels" / "wrong.seg.nrrd", swapped)
    out = tmp_path / "deep" / "out"
    assert main(["inspect", str(tmp_path / "labels"), "-o", str(out), "--json"]) == 0
    printed, told = capsys.readouterr()
    record = json.loads(printed)
    assert record == json.loads((out / "inspect.json").read_text())
    assert [(case["case"], case["score"]) for case in record["cases"]] == [("wrong", 0), ("fine", 1)]
    spine_part = record["cases"][0]["parts"]["spine"]
    assert spine_part["flags"][0]["bones"] == ["vertebrae_L2", "vertebrae_L3"]
    assert record["cases"][1]["parts"]["density"] == {"score": None, "evidence": "no scan was given", "flags": []}
    with (out / "inspect.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == ["wrong"] * 7 + ["fine"] * 7
    assert told.index("wrong") < told.index("fine")


def test_a_scan_beside_the_labels(tmp_path, capsys, spine):
    (tmp_path / "labels").mkdir()
    (tmp_path / "scans").mkdir()
    for case, hu in (("a", 300), ("b", 20)):
        save(tmp_path / "labels" / f"{case}.nii.gz", spine)
        scan = np.where(spine > 0, hu, -1000).astype(np.int16)
        write_scan(tmp_path / "scans" / f"{case}_0000.nii.gz", Volume(scan, AFFINE))
    assert main(["inspect", str(tmp_path / "labels"), "--scan", str(tmp_path / "scans"), "--json"]) == 0
    cases = json.loads(capsys.readouterr().out)["cases"]
    assert [(case["case"], case["parts"]["density"]["score"]) for case in cases] == [("b", 0), ("a", 1)]
    one = [str(tmp_path / "labels" / "b.nii.gz"), "--scan", str(tmp_path / "scans" / "a_0000.nii.gz")]
    assert main(["inspect", *one, "--fail-below", "0.5"]) == 0


@pytest.mark.parametrize(("below", "status"), [("0", 0), ("0.5", 1)])
def test_a_low_score_can_fail(tmp_path, capsys, swapped, below, status):
    save(tmp_path / "a.nii.gz", swapped)
    assert main(["inspect", str(tmp_path / "a.nii.gz"), "--fail-below", below]) == status
    assert ("1 of 1 score below 0.5: a" in capsys.readouterr().err) == bool(status)


def test_nothing_to_score_fails_too(tmp_path, capsys, spine):
    save(tmp_path / "a.nii.gz", np.zeros_like(spine))
    assert main(["inspect", str(tmp_path / "a.nii.gz")]) == 0
    assert main(["inspect", str(tmp_path / "a.nii.gz"), "--fail-below", "0"]) == 1
    assert "no bone of the table" in capsys.readouterr().err


def test_a_bad_file_does_not_stop_the_others(tmp_path, capsys, spine, swapped):
    save(tmp_path / "a.nii.gz", spine)
    save(tmp_path / "c.nii.gz", swapped)
    (tmp_path / "b.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:150])
    assert main(["inspect", str(tmp_path), "-o", str(tmp_path / "out"), "--fail-below", "0.5"]) == 2
    told = capsys.readouterr().err
    assert f"1 of 3 label maps could not be inspected: {tmp_path / 'b.nii.gz'}; the others are done" in told
    record = json.loads((tmp_path / "out" / "inspect.json").read_text())
    assert [case["case"] for case in record["cases"]] == ["c", "a"]
    assert [Path(failed["file"]).name for failed in record["failed"]] == ["b.nii.gz"]


def test_labels_without_names(tmp_path, capsys, spine):
    foreign = np.zeros_like(spine)
    for bone, label in (("L2", 21), ("L3", 22), ("L4", 23)):
        foreign[spine == TABLE[f"vertebrae_{bone}"].id] = label
    foreign[0, 0, 0] = 200
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(foreign, AFFINE), path)
    assert main(["inspect", str(path)]) == 2
    assert "holds labels that are not in its bone table: 200" in capsys.readouterr().err
    assert main(["inspect", str(path), "--labels-table", "verse", "--fail-below", "1"]) == 0


def test_errors_before_any_work(tmp_path, capsys, spine):
    save(tmp_path / "a.nii.gz", spine)
    save(tmp_path / "b.nii.gz", spine)
    (tmp_path / "empty").mkdir()
    (tmp_path / "scans").mkdir()
    write_scan(tmp_path / "scans" / "a.nii.gz", Volume(spine.astype(np.int16) - 1000, AFFINE))
    a, b = str(tmp_path / "a.nii.gz"), str(tmp_path / "b.nii.gz")
    for words, text in (
        ([a, "--fail-below", "50"], "--fail-below is a score from 0 to 1, got 50"),
        ([str(tmp_path / "x"), str(tmp_path / "y"), a], f"there is no {tmp_path / 'x'}, {tmp_path / 'y'}; give label"),
        ([str(tmp_path / "empty")], "holds no label map"),
        ([a, "--scan", str(tmp_path / "x")], f"there is no scan {tmp_path / 'x'}"),
        ([a, b, "--scan", a], "is one scan for 2 label maps; give a folder"),
        ([a, b, "--scan", str(tmp_path / "scans")], "has no scan for 1 of the 2 label maps: b"),
    ):
        assert main(["inspect", *words, "-o", str(tmp_path / "out")]) == 2
        assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_two_label_maps_of_one_name(tmp_path, capsys, spine, swapped):
    """They are told apart by their folders."""
    for folder, voxels in (("one", spine), ("two", swapped)):
        (tmp_path / folder).mkdir()
        save(tmp_path / folder / "ct.nii.gz", voxels)
    assert main(["inspect", *(str(tmp_path / f / "ct.nii.gz") for f in ("one", "two")), "--json"]) == 0
    cases = json.loads(capsys.readouterr().out)["cases"]
    assert [Path(case["case"]).parts[-2:] for case in cases] == [("two", "ct"), ("one", "ct")]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real scans are not at hand")
def test_correct_label_maps_of_patients_are_not_flagged(tmp_path, capsys):
    real = SHARED / "ct_abdomen_pelvis_3mm"
    command = ["inspect", str(real / "labels.nii.gz"), "--scan", str(real / "ct.nii.gz"), "--fail-below", "1"]
    assert main([*command, "--labels-table", "totalsegmentator"]) == 0
    (mask,) = (SHARED / "labels_spine_verse").glob("sub-verse004*")
    assert main(["inspect", str(mask), "--labels-table", "verse", "--fail-below", "1"]) == 0
    assert capsys.readouterr().err.count("nothing") == 2


def test_nothing_to_inspect(capsys):
    assert main(["inspect"]) == 2
    assert "give label maps to inspect" in capsys.readouterr().err
