"""``sneakynet measure`` on files."""

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
AFFINE = np.diag([-2.0, 2.0, 3.0, 1.0])


def save(path, width=5, *, affine=AFFINE):
    """Two hips; the left one is as wide as is said."""
    voxels = np.zeros((30, 12, 12), dtype=np.uint8)
    voxels[4 : 4 + width, 2:10, 2:10] = TABLE["hip_left"].id
    voxels[20:25, 2:10, 2:10] = TABLE["hip_right"].id
    colors = {bone.id: bone.color for bone in TABLE}
    write_labels(path, Volume(voxels, affine), names={bone.id: bone.name for bone in TABLE}, colors=colors)
    return voxels


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folders(tmp_path):
    """Labels of five cases, one of them odd, and their scans."""
    for name in ("labels", "scans"):
        (tmp_path / name).mkdir()
    for case, width in {"a": 5, "b": 5, "c": 6, "d": 5, "e": 10}.items():
        voxels = save(tmp_path / "labels" / f"{case}.nii.gz", width)
        scan = np.where(voxels > 0, 700, 0).astype(np.int16)
        scan[21:24, 4:8, 3:9] = 150
        write_scan(tmp_path / "scans" / f"{case}_0000.nii.gz", Volume(scan, AFFINE))
    return tmp_path / "labels", tmp_path / "scans"


def test_a_cohort(tmp_path, capsys, folders):
    labels, scans = folders
    out = tmp_path / "new" / "out"
    assert main(["measure", str(labels), "--scan", str(scans), "-o", str(out), "--json"]) == 0
    printed, told = capsys.readouterr()
    assert "10 bones of 5 cases" in told
    assert sorted(path.name for path in out.iterdir()) == ["bones.csv", "cohort.csv", "measures.json"]

    record = json.loads(printed)
    assert record == json.loads((out / "measures.json").read_text())
    assert (record["format"], record["failed"]) == ("sneakynet measures", [])
    right = record["cases"][0]["bones"][1]
    assert (right["name"], right["volume_ml"], right["median_hu"]) == ("hip_right", 5 * 64 * 12 / 1000, 700)
    # 10 x 16 x 24 mm, and of it what lies 3 mm deep: 1 x 4 x 6 voxels.
    assert (right["length_mm"], right["axis_1"], right["trabecular_hu"]) == (24, [0, 0, 1], 150)

    bones = rows(out / "bones.csv")
    assert [(row["case"], row["name"]) for row in bones[-2:]] == [("e", "hip_left"), ("e", "hip_right")]
    assert (bones[-1]["volume_left_over_right"], bones[-1]["axis_1_z"]) == ("2.0", "1.0")
    (volume,) = (row for row in rows(out / "cohort.csv") if (row["name"], row["measure"]) == ("hip_left", "volume_ml"))
    assert (volume["n"], volume["median"], volume["outliers"]) == ("5", "3.84", "e")


def test_without_scans_and_with_confidence_beside_the_labels(tmp_path):
    voxels = save(tmp_path / "a.nii.gz")
    percent = np.where(voxels == TABLE["hip_left"].id, 40, 90).astype(np.int16)
    write_scan(tmp_path / "a.confidence.nii.gz", Volume(percent, AFFINE))
    assert main(["measure", str(tmp_path), "-o", str(tmp_path / "out")]) == 0
    bones = rows(tmp_path / "out" / "bones.csv")
    assert [(row["case"], row["confidence_percent"], row["mean_hu"]) for row in bones] == [
        ("a", "40.0", ""),
        ("a", "90.0", ""),
    ]


def test_foreign_labels(tmp_path):
    voxels = np.zeros((12, 12, 12), dtype=np.uint8)
    voxels[2:8, 2:8, 2:8] = 22
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), tmp_path / "a.nii.gz")
    words = ["measure", str(tmp_path / "a.nii.gz"), "-o", str(tmp_path / "out"), "--labels-table", "verse"]
    assert main(words) == 0
    assert [row["name"] for row in rows(tmp_path / "out" / "bones.csv")] == ["vertebrae_L3"]


def test_a_bad_file_does_not_stop_the_others(tmp_path, capsys):
    save(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:150])
    assert main(["measure", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert f"1 of 2 label maps could not be measured: {tmp_path / 'b.nii.gz'}; the others are done" in told
    record = json.loads((tmp_path / "out" / "measures.json").read_text())
    assert ([case["case"] for case in record["cases"]], len(record["failed"])) == (["a"], 1)


def test_errors_before_any_work(tmp_path, capsys):
    save(tmp_path / "a.nii.gz")
    save(tmp_path / "b.nii.gz")
    (tmp_path / "empty").mkdir()
    noise = np.random.default_rng(0).integers(-1000, 1000, (30, 12, 12)).astype(np.int16)
    write_scan(tmp_path / "scan.nii.gz", Volume(noise, np.eye(4)))
    a, b, scan = (str(tmp_path / name) for name in ("a.nii.gz", "b.nii.gz", "scan.nii.gz"))
    for words, text in (
        ([], "give label maps to measure"),
        ([str(tmp_path / "x")], f"there is no {tmp_path / 'x'}"),
        ([str(tmp_path / "empty")], "holds no label map"),
        ([a, "--scan", str(tmp_path / "x")], "there is no scan"),
        ([a, b, "--scan", scan], "is one scan for 2 label maps"),
        ([a, "--scan", scan], "the grids of label map and scan lie up to"),
        ([a, "--labels-table", "nobody"], "knows no labels of a scheme 'nobody'"),
        ([a, "--table", str(tmp_path / "no.csv")], "cannot read the bone table"),
    ):
        assert main(["measure", *words, "-o", str(tmp_path / "out")]) == 2, words
        assert text in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real scans are not at hand")
def test_a_real_patient(tmp_path):
    real = SHARED / "ct_abdomen_pelvis_3mm"
    words = ["measure", str(real / "labels.nii.gz"), "--scan", str(real / "ct.nii.gz")]
    assert main([*words, "--labels-table", "totalsegmentator", "-o", str(tmp_path)]) == 0
    bones = {row["name"]: row for row in rows(tmp_path / "bones.csv")}
    assert len(bones) == 24
    assert bones["hip_left"]["cut_faces"] == "inferior"
    # The femur with the metal.
    assert float(bones["femur_left"]["p95_hu"]) > 2000 > float(bones["femur_right"]["p95_hu"])
    for n in range(1, 6):
        lumbar = bones[f"vertebrae_L{n}"]
        assert 80 < float(lumbar["trabecular_hu"]) < 150
        assert 80 < float(lumbar["length_mm"]) < 110
        assert float(lumbar["trabecular_hu"]) < float(lumbar["shell_hu"]) < float(lumbar["cortical_hu"])
