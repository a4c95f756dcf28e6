"""``sneakynet paint`` from a label map to a dataset, and training on it."""

import csv
import json
import signal
import subprocess
import sys
import time

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main

TABLE = BoneTable.default()
NAMES = {"1": "Lumbar1", "2": "Lumbar2", "3": "Pelvis", "4": "liver"}
OPTIONS = ["--spacing", "6", "--workers", "1"]


def write_map(path, *, dtype=np.uint8, scale=1, affine=None):
    """Two vertebrae above a pelvis of two parts, and a liver; 4 mm, i towards the left."""
    voxels = np.zeros((60, 30, 32), dtype)
    voxels[27:34, 8:16, 22:30] = 1
    voxels[27:34, 8:16, 12:20] = 2
    voxels[14:20, 8:20, 2:12] = 3
    voxels[40:46, 8:20, 2:12] = 3
    voxels[12:22, 8:22, 18:28] = 4
    affine = np.diag([-4.0, 4.0, 4.0, 1.0]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image((voxels * scale).astype(dtype), affine), path)
    return path


@pytest.fixture(scope="module")
def label_map(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    (folder / "names.json").write_text(json.dumps(NAMES))
    return write_map(folder / "spine.nii.gz")


@pytest.fixture(scope="module")
def dataset(label_map, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paintings") / "dataset"
    assert paint(label_map, "-o", folder, "--count", "2", "--seed", "7", *OPTIONS) == 0
    return folder


def paint(label_map, *arguments, names=True):
    named = ["--names", label_map.parent / "names.json"] if names else []
    return main(["paint", str(label_map), *map(str, named), *map(str, arguments)])


def test_layout_is_nnunets(dataset):
    description = json.loads((dataset / "dataset.json").read_text())
    labels = {"background": 0, **{b.name: b.id for b in TABLE}, "ignore": TABLE.n_classes}
    assert description["labels"] == labels
    assert max(labels.values()) == len(labels) - 1  # as nnU-Net demands
    assert description["numTraining"] == 2
    for seed in (7, 8):
        scan = nibabel.load(dataset / "imagesTr" / f"spine_{seed:05d}_0000.nii.gz")
        painted = nibabel.load(dataset / "labelsTr" / f"spine_{seed:05d}.nii.gz")
        np.testing.assert_array_equal(scan.affine, painted.affine)
        assert nibabel.aff2axcodes(scan.affine) == ("R", "A", "S")
        voxels, hu = np.asarray(painted.dataobj), np.asarray(scan.dataobj)
        bones = {TABLE[name].id for name in ("vertebrae_L1", "vertebrae_L2", "hip_left", "hip_right")}
        assert set(np.unique(voxels)) == {0, *bones, TABLE.n_classes}
        # The map's i runs to the left: its first part is the right one, where the liver lies.
        right = np.argwhere(voxels == TABLE["hip_right"].id).mean(0)
        left = np.argwhere(voxels == TABLE["hip_left"].id).mean(0)
        assert right[0] > left[0] + 5
        assert hu[np.isin(voxels, list(bones))].mean() > hu[voxels == 0].mean() + 60
    record = json.loads((dataset / "paintings" / "spine_00007.json").read_text())
    assert record["bones"] == ["vertebrae_L1", "vertebrae_L2", "hip_left", "hip_right"]


def test_scans_differ_and_the_same_seed_gives_the_same(dataset, label_map, tmp_path):
    one, other = (nibabel.load(dataset / "imagesTr" / f"spine_0000{seed}_0000.nii.gz") for seed in (7, 8))
    assert one.shape != other.shape or (np.asarray(one.dataobj) != np.asarray(other.dataobj)).any()
    assert paint(label_map, "-o", tmp_path, "--count", "1", "--seed", "8", "--spacing", "6", "--workers", "2") == 0
    for path in ("imagesTr/spine_00008_0000.nii.gz", "labelsTr/spine_00008.nii.gz"):
        np.testing.assert_array_equal(nibabel.load(tmp_path / path).dataobj, nibabel.load(dataset / path).dataobj)


def test_a_stopped_run_goes_on_and_a_second_map_joins(dataset, label_map):
    before = (dataset / "imagesTr" / "spine_00007_0000.nii.gz").stat().st_mtime_ns
    assert paint(label_map, "-o", dataset, "--count", "3", "--seed", "7", *OPTIONS, "--quiet") == 0
    assert (dataset / "imagesTr" / "spine_00007_0000.nii.gz").stat().st_mtime_ns == before
    second = write_map(label_map.parent / "other.nii.gz")
    assert paint(second, "-o", dataset, "--count", "1", *OPTIONS, "--quiet") == 0
    assert json.loads((dataset / "dataset.json").read_text())["numTraining"] == 4


def test_other_settings_are_refused(dataset, label_map, capsys):
    assert paint(label_map, "-o", dataset, "--spacing", "8", "--workers", "1") == 2
    assert "holds paintings made with other settings (spacing: 6.0, not 8.0)" in capsys.readouterr().err
    assert paint(label_map, "-o", dataset, *OPTIONS, "--bodies") == 2
    assert "holds scans (dataset.json); choose another folder" in capsys.readouterr().err


def train(source, run, *options):
    tiny = ["--patch-size", "16", "--levels", "3", "--width", "4", "--batch-size", "2", "--warmup-steps", "0"]
    tiny += ["--threads", "1", "--device", "cpu", "--quiet", "--validation-patches", "2"]
    assert main(["train", str(source), "-o", str(run), *tiny, *options]) == 0
    with (run / "train.csv").open() as file:
        return list(csv.DictReader(file))[-1]


def test_training_on_paintings(dataset, tmp_path):
    last = train(dataset, tmp_path / "run", "--steps", "4", "--log-every", "2")
    assert 0 < float(last["target_cross_entropy"]) < 20
    assert 0 < float(last["context_2x_cross_entropy"]) < 20


def test_training_on_painted_bodies(label_map, tmp_path):
    assert paint(label_map, "-o", tmp_path / "bodies", "--count", "2", *OPTIONS, "--bodies", "--quiet") == 0
    assert not (tmp_path / "bodies" / "dataset.json").exists()
    last = train(tmp_path / "bodies", tmp_path / "run", "--steps", "2", "--log-every", "1", "--pool", "2")
    assert 0 < float(last["target_cross_entropy"]) < 20


def test_ignored_voxels_teach_nothing(dataset, tmp_path):
    copy = tmp_path / "ignored"
    for part in ("imagesTr", "labelsTr"):
        (copy / part).mkdir(parents=True)
        for path in sorted((dataset / part).glob("spine_0000[78]*")):
            image = nibabel.load(path)
            if part == "labelsTr":
                image = nibabel.Nifti1Image(np.full(image.shape, TABLE.n_classes, np.uint8), image.affine)
            nibabel.save(image, copy / part / path.name)
    (copy / "dataset.json").write_bytes((dataset / "dataset.json").read_bytes())
    last = train(copy, tmp_path / "run", "--steps", "2", "--log-every", "1")
    for network in ("target", "context_2x"):
        assert float(last[f"{network}_cross_entropy"]) == 0


def bad(tmp_path, what):
    """Arguments that must be refused."""
    names = tmp_path / "names.json"
    names.write_text(json.dumps(NAMES))
    good = write_map(tmp_path / "spine.nii.gz")
    if what == "broken names":
        names.write_text("{")
    if what == "names of organs":
        names.write_text('{"4": "liver"}')
    if what == "names of absent labels":
        names.write_text('{"90": "L1"}')
    if what == "list of names":
        (tmp_path / "names.csv").write_text("number,bone\n1,L1\n")
        names = tmp_path / "names.csv"
    labels = {
        "missing": tmp_path / "missing.nii.gz",
        "fractions": write_map(tmp_path / "fractions.nii.gz", dtype=np.float32, scale=0.3),
        "negative": write_map(tmp_path / "negative.nii.gz", dtype=np.int16, scale=-1),
        "picture": tmp_path / "picture.png",
    }
    (tmp_path / "picture.png").write_bytes(b"\x89PNG" + bytes(100))
    arguments = [labels.get(what, good)]
    if what not in ("nameless", "scheme without file"):
        arguments += ["--names", tmp_path / "gone.json" if what == "names missing" else names]
    options = {
        "two sources of names": ["--scheme", "verse"],
        "scheme without file": ["--scheme", "atlas"],
        "count": ["--count", 0],
        "seed": ["--seed", -1],
        "workers": ["--workers", 0],
        "spacing": ["--spacing", 0.1],
        "stretch": ["--stretch", 1, 1, 0],
    }
    return [*arguments, *options.get(what, [])]


BAD = {
    "missing": "missing.nii.gz: no such file or folder",
    "fractions": "a label map holds whole numbers",
    "negative": "a label map holds whole numbers from 0 to 65535",
    "picture": "not a volume; give a file",
    "nameless": "names no labels; say what they are with --scheme (total, verse or atlas) or --names FILE",
    "broken names": "cannot take label names from",
    "names missing": "cannot read the label names",
    "list of names": "CSV with the columns id and name",
    "names of organs": "none of the label names is a bone of the table: liver",
    "names of absent labels": "the label map holds no voxel of a bone: its labels are 1, 2, 3, 4",
    "two sources of names": "give the names of labels or their scheme, not both",
    "scheme without file": "cannot read the label names",
    "count": "count must be at least 1, got 0",
    "seed": "seed must be at least 0, got -1",
    "workers": "workers must be at least 1, got 0",
    "spacing": "spacing must be 0.5 to 12 mm, got 0.1",
    "stretch": "stretch must be three factors from 0.2 to 5",
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_leaves_nothing(tmp_path, capsys, what):
    assert main(["paint", *map(str, bad(tmp_path, what)), "-o", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("error: ")
    assert BAD[what] in err
    assert not (tmp_path / "out").exists()


def test_unwritable_folder(label_map, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert paint(label_map, "-o", tmp_path / "file" / "x", *OPTIONS) == 2
    assert "cannot write into the folder" in capsys.readouterr().err


def test_a_voxel_size_that_cannot_be_is_noted(tmp_path, capsys):
    small = write_map(tmp_path / "small.nii.gz", affine=np.diag([2.0, 2.0, 1.0, 1.0]))
    (tmp_path / "names.json").write_text(json.dumps(NAMES))
    assert paint(small, "-o", tmp_path / "out", "--count", "1", *OPTIONS) == 0
    assert "neighbouring vertebrae (spine_lumbar) lie 10.0 mm apart" in capsys.readouterr().err


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_whole_cases(label_map, tmp_path, stop):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "sneakynet", "paint", label_map, "--names", label_map.parent / "names.json"]
    command += ["-o", out, "--count", "2000", "--spacing", "4", "--workers", "2", "--quiet"]
    # A suite that runs in the background of a shell ignores Ctrl-C, and what it starts would inherit that.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        started = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    with started as run:
        for _ in range(1200):
            if list(out.glob("paintings/spine_*.json")) or run.poll() is not None:
                break
            time.sleep(0.1)
        run.send_signal(stop)
        # Workers have inherited stderr: it is at its end when they are too.
        _, err = run.communicate(timeout=120)
    assert run.returncode == (130 if stop == signal.SIGINT else -stop), err
    if stop == signal.SIGINT:  # a killed program cannot keep its workers from complaining
        assert b"Traceback" not in err
    assert not list(out.rglob(".part-*"))
    assert not (out / "dataset.json").exists()
    done = {path.stem for path in out.glob("paintings/spine_*.json")}
    assert done
    assert len(done) < 2000
    scans = {path.name.removesuffix("_0000.nii.gz") for path in (out / "imagesTr").iterdir()}
    labels = {path.name.removesuffix(".nii.gz") for path in (out / "labelsTr").iterdir()}
    assert done <= scans
    assert done <= labels
    for path in out.rglob("*.nii.gz"):
        assert np.asarray(nibabel.load(path).dataobj).size
