"""``sneakynet report``, and ``segment --report``, on files."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.volume import Volume
from sneakynet.volumes.write import write_labels, write_scan

SHARED = Path(__file__).parents[3] / "shared" / "data"
TABLE = BoneTable.default()
AFFINE = np.diag([-4.0, -4.0, 4.0, 1.0])


def save(path):
    voxels = np.zeros((20, 16, 18), dtype=np.uint8)
    voxels[4:9, 4:10, 4:14] = TABLE["hip_left"].id
    voxels[10:14, 4:10, 0:8] = TABLE["femur_left"].id
    colors = {bone.id: bone.color for bone in TABLE}
    write_labels(path, Volume(voxels, AFFINE), names={bone.id: bone.name for bone in TABLE}, colors=colors)
    return voxels


@pytest.fixture
def case(tmp_path):
    voxels = save(tmp_path / "a.nii.gz")
    write_scan(tmp_path / "a_0000.nii.gz", Volume(np.where(voxels > 0, 300, -1000).astype(np.int16), AFFINE))
    return str(tmp_path / "a.nii.gz"), str(tmp_path / "a_0000.nii.gz")


def test_a_folder_for_both_kinds(tmp_path, capsys, case):
    labels, scan = case
    out = tmp_path / "new" / "out"
    assert main(["report", labels, "--scan", scan, "-o", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.report.html", "a.report.pdf"]
    told = capsys.readouterr()
    assert (told.out, told.err.strip()) == ("", f"{out / 'a.report.html'}, {out / 'a.report.pdf'}")
    text = (out / "a.report.html").read_text("utf-8")
    for words in ("Left hip", "hip_left", "the scan ends at its inferior face within femur_left", "Skeleton"):
        assert words in text


@pytest.fixture
def no_views(monkeypatch):
    """Nothing in 3D, as on a machine that cannot draw: it takes seconds."""
    monkeypatch.setattr("sneakynet.viewer.scan_report.skeleton_views.skeleton_views", lambda meshes: ())


@pytest.mark.usefixtures("no_views")
def test_one_file(tmp_path, case):
    assert main(["report", case[0], "-o", str(tmp_path / "out" / "b.PDF")]) == 0
    assert (tmp_path / "out" / "b.PDF").read_bytes().startswith(b"%PDF")


def test_errors_before_any_work(tmp_path, capsys, case):
    (tmp_path / "sub").mkdir()
    save(tmp_path / "sub" / "a.nii.gz")
    labels, _ = case
    other = str(tmp_path / "sub" / "a.nii.gz")
    for words, out, text in (
        ([], "x.html", "give label maps to report on"),
        ([labels], "x.txt", "x.txt: a report ends in .html or .pdf"),
        ([labels, other], "x.html", "is one file for 2 label maps; give a folder"),
        ([labels, other], "x", "two label maps have the same name"),
        ([labels, "--scan", str(tmp_path / "y")], "x.html", "there is no scan"),
        ([str(tmp_path / "y")], "x.html", "there is no"),
        ([labels, "--labels-table", "nobody"], "x.html", "knows no labels of a scheme 'nobody'"),
    ):
        assert main(["report", *words, "-o", str(tmp_path / out)]) == 2, words
        assert text in capsys.readouterr().err
    assert not any(path.name.startswith("x") for path in tmp_path.iterdir())


def test_a_bad_file_does_not_stop_the_others(tmp_path, capsys, monkeypatch, case):
    bad = tmp_path / "b.nii.gz"
    bad.write_bytes(b"no")
    monkeypatch.setattr("sneakynet.cli.report.report_content", lambda one, table: one.case)
    monkeypatch.setattr("sneakynet.cli.report.write_reports", lambda paths, content: paths[0].write_text(content))
    assert main(["report", str(bad), case[0], "-o", str(tmp_path / "out")]) == 2
    assert f"1 of 2 label maps could not be reported on: {bad}" in capsys.readouterr().err
    assert (tmp_path / "out" / "a.report.html").read_text() == "a"


@pytest.mark.usefixtures("no_views")
def test_segment_writes_reports_beside_the_labels(tmp_path, capsys, model):
    noise = np.random.default_rng(0).integers(-1000, 1000, (9, 8, 7)).astype(np.int16)
    write_scan(tmp_path / "a.nii.gz", Volume(noise, AFFINE))
    words = [
        "segment",
        str(tmp_path / "a.nii.gz"),
        "-o",
        str(tmp_path / "out"),
        "--model",
        str(model),
        "--device",
        "cpu",
    ]
    assert main([*words, "--report", "--confidence", "--no-preview", "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["report"] == [str(tmp_path / "out" / f"a.report{ending}") for ending in (".html", ".pdf")]
    assert "Confidence" in Path(outcome["report"][0]).read_text("utf-8")
    assert Path(outcome["report"][1]).read_bytes().startswith(b"%PDF")


def test_the_extra_is_named(tmp_path):
    program = """
import sys
from sneakynet.cli.main import main

sys.modules["vtkmodules"] = None  # as if it were not installed
assert main(["report", "a.nii.gz", "-o", "a.html"]) == 2
assert main(["segment", "a.nii.gz", "-o", "out", "--report"]) == 2
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    remedy = "error: this needs the package vtkmodules, which is not installed; run pip install 'sneakynet[mesh]'"
    assert done.stderr.splitlines() == [remedy] * 2
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared real scans are not at hand")
def test_a_real_patient(tmp_path):
    real = SHARED / "ct_abdomen_pelvis_3mm"
    words = ["report", str(real / "labels.nii.gz"), "--scan", str(real / "ct.nii.gz")]
    assert main([*words, "--labels-table", "totalsegmentator", "-o", str(tmp_path / "a.html")]) == 0
    text = (tmp_path / "a.html").read_text("utf-8")
    for words in ("Lumbosacral", "Right sacroiliac", "Left hip", "is metal; its streaks", "L1 ≤ 135 HU"):
        assert words in text
    assert "Left shoulder" not in text
