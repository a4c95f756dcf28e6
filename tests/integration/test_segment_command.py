"""`sneakynet segment` on real files, with a small network of random weights."""

import json
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from sneakynet.cli.main import main

SHARED = Path(__file__).parents[3] / "shared" / "data"


def write_scan(path, *, shape=(30, 26, 22), affine=None):
    voxels = np.random.default_rng(1).integers(-1000, 1000, size=shape).astype(np.int16)
    affine = np.diag([4.0, 4.0, 5.0, 1.0]) if affine is None else affine
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, code="scanner")
    nibabel.save(image, path)
    return path


def segment(*arguments):
    return main(["segment", *map(str, arguments), "--device", "cpu"])


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


OBLIQUE = np.array([[0.5, -3.4, 0.2, 7], [3.9, 0.4, -0.3, -9], [0.1, 0.4, -4.9, 11], [0, 0, 0, 1.0]])
FLIPPED = np.array([[0, -4.0, 0, 7], [0, 0, -4.0, -9], [4.0, 0, 0, 11], [0, 0, 0, 1.0]])


@pytest.mark.parametrize(
    ("affine", "shape"),
    [
        (np.diag([4.0, 4.0, 4.0, 1.0]), (30, 26, 22)),
        (FLIPPED, (30, 26, 22)),
        (OBLIQUE, (30, 26, 22)),
        (np.diag([-0.9, -0.9, 7.0, 1.0]), (90, 80, 9)),
        (np.diag([3.0, 3.0, 3.0, 1.0]), (5, 4, 3)),
    ],
    ids=["plain", "flipped", "oblique", "anisotropic", "smaller than a tile"],
)
def test_labels_lie_on_the_scan_s_own_grid(tmp_path, capsys, model, affine, shape):
    scan = write_scan(tmp_path / "a scan.nii.gz", affine=affine, shape=shape)
    out = tmp_path / "new" / "out"

    assert segment(scan, "-o", out, "--model", model) == 0

    assert files_of(out) == ["a scan.json", "a scan.labels.json", "a scan.nii.gz", "a scan.png"]
    labels, image = nibabel.load(out / "a scan.nii.gz"), nibabel.load(scan)
    assert labels.shape == shape
    np.testing.assert_array_equal(labels.affine, image.affine)
    record = json.loads((out / "a scan.json").read_text())
    ids, voxels = np.unique(np.asarray(labels.dataobj), return_counts=True)
    assert {bone["id"]: bone["voxels"] for bone in record["bones"]} == {
        int(i): int(n) for i, n in zip(ids, voxels, strict=True) if i
    }
    assert record["model"]["name"] == "tiny"
    assert record["model"]["provenance"] == {"data": "none"}
    out_text, err = capsys.readouterr()
    assert out_text == ""
    assert f"a scan: {len(record['bones'])} bones in " in err
    assert "a scan: will take " in err


def test_slicer_segmentation_without_picture(tmp_path, model):
    scan = write_scan(tmp_path / "a.nii")

    assert segment(scan, "-o", tmp_path / "out", "--model", model, "--format", "seg.nrrd", "--no-preview") == 0

    assert files_of(tmp_path / "out") == ["a.json", "a.seg.nrrd"]
    image = SimpleITK.ReadImage(tmp_path / "out" / "a.seg.nrrd")
    assert "Segment0_Name" in image.GetMetaDataKeys()


def test_a_folder_gives_the_name_of_its_series(tmp_path, model):
    folder = SHARED / "ct_dicom_series"
    if not folder.is_dir():
        pytest.skip("needs the shared DICOM series")

    assert segment(folder, "-o", tmp_path, "--model", model) == 0

    assert "ct_dicom_series.nii.gz" in files_of(tmp_path)


def test_a_real_scan(tmp_path, model):
    scan = SHARED / "ct_abdomen_pelvis_3mm" / "ct.nii.gz"
    if not scan.is_file():
        pytest.skip("needs the shared scans")

    assert segment(scan, "-o", tmp_path, "--model", model) == 0

    labels, image = nibabel.load(tmp_path / "ct.nii.gz"), nibabel.load(scan)
    assert labels.shape == image.shape
    np.testing.assert_array_equal(labels.affine, image.affine)


def test_one_bad_scan_does_not_stop_the_others(tmp_path, capsys, model):
    good, bad = write_scan(tmp_path / "good.nii.gz"), tmp_path / "bad.nii.gz"
    bad.write_bytes(good.read_bytes()[:2000])
    missing = tmp_path / "missing.nii.gz"

    assert segment(bad, missing, good, "-o", tmp_path / "out", "--model", model, "--json") == 2

    out, err = capsys.readouterr()
    assert files_of(tmp_path / "out") == ["good.json", "good.labels.json", "good.nii.gz", "good.png"]
    assert [(o["case"], o["status"]) for o in json.loads(out)] == [
        ("bad", "failed"),
        ("missing", "failed"),
        ("good", "done"),
    ]
    assert "error: bad: " in err
    assert "cut short" in err
    assert "missing.nii.gz: no such file or folder" in err
    assert err.rstrip().endswith("error: 2 of 3 scans failed: bad, missing; the others are done")
    assert "Traceback" not in err


def test_a_stopped_run_goes_on(tmp_path, capsys, model):
    first, second = write_scan(tmp_path / "first.nii.gz"), write_scan(tmp_path / "second.nii.gz")
    out = tmp_path / "out"
    assert segment(first, "-o", out, "--model", model) == 0
    before = (out / "first.nii.gz").stat().st_mtime_ns
    capsys.readouterr()

    assert segment(first, second, "-o", out, "--model", model, "--json") == 0

    text, err = capsys.readouterr()
    assert [outcome["status"] for outcome in json.loads(text)] == ["skipped", "done"]
    assert "first: already there, left as it is" in err
    assert (out / "first.nii.gz").stat().st_mtime_ns == before
    assert segment(first, "-o", out, "--model", model, "--overwrite") == 0
    assert (out / "first.nii.gz").stat().st_mtime_ns > before


def test_two_scans_of_one_name(tmp_path, capsys, model):
    (tmp_path / "other").mkdir()
    one, other = write_scan(tmp_path / "a.nii.gz"), write_scan(tmp_path / "other" / "a.nii")

    assert segment(one, other, "-o", tmp_path / "out", "--model", model) == 2

    assert "would both be written as 'a'; rename one, or run them into two folders" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_labels_never_take_the_place_of_the_scan(tmp_path, capsys, model):
    scan = write_scan(tmp_path / "a.nii.gz")
    before = scan.read_bytes()

    assert segment(scan, "-o", tmp_path, "--model", model, "--overwrite") == 2

    assert "the labels would overwrite the scan" in capsys.readouterr().err
    assert scan.read_bytes() == before


def test_no_scan(tmp_path, capsys, model):
    assert segment("-o", tmp_path, "--model", model) == 2
    assert "no scan was given; name at least one file or DICOM folder" in capsys.readouterr().err


def test_an_unknown_device(tmp_path, capsys, model):
    scan = write_scan(tmp_path / "a.nii.gz")

    assert main(["segment", str(scan), "-o", str(tmp_path / "out"), "--model", str(model), "--device", "tpu"]) == 2

    assert "error: cannot use device 'tpu': unknown; available: auto, cpu" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_model(tmp_path, capsys):
    scan = write_scan(tmp_path / "a.nii.gz")

    assert segment(scan, "-o", tmp_path / "out", "--model", scan) == 2

    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "no weights file" in err
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file(tmp_path, capsys, model):
    scan = write_scan(tmp_path / "a.nii.gz")
    (tmp_path / "out").write_text("mine")

    assert segment(scan, "-o", tmp_path / "out", "--model", model) == 2

    assert "out: it is a file; choose another" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_without_permission(tmp_path, capsys, model):
    scan = write_scan(tmp_path / "a.nii.gz")
    (tmp_path / "out").mkdir(mode=0o500)

    assert segment(scan, "-o", tmp_path / "out", "--model", model) == 2

    assert "cannot write into the folder" in capsys.readouterr().err


def test_a_constant_scan_leaves_nothing_behind(tmp_path, capsys, model):
    nibabel.save(nibabel.Nifti1Image(np.full((20, 20, 20), 7, dtype=np.int16), np.eye(4)), tmp_path / "flat.nii.gz")

    assert segment(tmp_path / "flat.nii.gz", "-o", tmp_path / "out", "--model", model) == 2

    assert "every voxel is 7" in capsys.readouterr().err
    assert files_of(tmp_path / "out") == []
