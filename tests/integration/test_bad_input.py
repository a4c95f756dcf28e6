"""Input that cannot be used: one message, exit status 2, no traceback, and nothing left behind, whatever the command.

What each reader and check says in full is tested beside it (``tests/unit``); here it goes through the command line.
Other bad input is where its command is tested: ``test_evaluate.py``, ``test_segment_command.py``, ``test_train.py``.
"""

import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file

from sneakynet import BoneTable, WeightsHeader, build_sneakynet, save_weights
from sneakynet.cli.main import main

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
SCAN = np.random.default_rng(0).integers(-1000, 1000, (20, 20, 20)).astype(np.int16)
RGB = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    network = build_sneakynet(variant="A", n_classes=126, patch_size=8, contexts=(), width=2, levels=2)
    architecture = network.architecture.to_dict()
    header = WeightsHeader(
        architecture=architecture, spacing=(10.0,) * 3, hu_window=(-500.0, 1000.0), table=BoneTable.default()
    )
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_weights(path, network, header)
    return path


@pytest.fixture
def refused(capsys):
    """Runs a command that must fail by the user's fault, and looks for words in what it says."""

    def run(*arguments, says):
        assert main([str(argument) for argument in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines()[-1].startswith(("error: ", "  - "))
        assert "Traceback" not in err
        assert says in err

    return run


def is_empty(folder):
    return not folder.exists() or not any(folder.iterdir())


def nifti(path, voxels=SCAN, affine=AFFINE):
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


def shortened(path, *, by):
    path.write_bytes(path.read_bytes()[:-by])


def with_spacing(path, value):
    content = bytearray(nifti(path).read_bytes())
    content[80:84] = struct.pack("<f", value)
    path.write_bytes(content)


def colours(path):
    byte = SimpleITK.GetImageFromArray(SCAN.astype(np.uint8))
    SimpleITK.WriteImage(SimpleITK.Compose(byte, byte, byte), path)


def frames(path):
    one = SimpleITK.GetImageFromArray(SCAN)
    SimpleITK.WriteImage(SimpleITK.JoinSeries([one, one]), path)


def cut_mha(path):
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(SCAN), path)
    shortened(path, by=400)


def zip_of_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")


def not_a_number(path):
    voxels = SCAN.astype(np.float32)
    voxels[0, 0, :3] = np.nan
    nifti(path, voxels)


BAD_SCANS = {
    "missing.nii.gz": (lambda path: None, "missing.nii.gz: no such file or folder"),
    "empty.nii.gz": (lambda path: path.touch(), "empty.nii.gz: the file is empty"),
    "cut.nii.gz": (lambda path: shortened(nifti(path), by=3000), "cut.nii.gz: the file is damaged or cut short"),
    "cut.mha": (cut_mha, "damaged or cut short"),
    "cut.zip": (lambda path: path.write_bytes(b"PK\x03\x04 cut off"), "not a zip file, or cut short"),
    "text.nii": (lambda path: path.write_text("hello " * 200), "text.nii: not a NIfTI file"),
    "text.nrrd": (lambda path: path.write_text("hello " * 200), "not an NRRD or MetaImage file"),
    "text.zip": (zip_of_text, "no CT slices found"),
    "picture.png": (lambda path: path.write_bytes(b"\x89PNG" + bytes(200)), "picture.png: not a volume; give a file"),
    "folder": (Path.mkdir, "no CT slices found"),
    "rgb.nii": (lambda path: nifti(path, RGB), "each voxel holds 3 numbers (colour or vector image)"),
    "rgb.mha": (colours, "each voxel holds 3 numbers (colour or vector image)"),
    "frames.nii": (lambda path: nifti(path, np.stack([SCAN, SCAN], 3)), "has 2 frames, one is needed"),
    "frames.mha": (frames, "has 2 frames, one is needed"),
    "nan.nii.gz": (not_a_number, "3 of 8000 voxels are NaN or infinite"),
    "flat.nii.gz": (lambda path: nifti(path, np.full_like(SCAN, -1000)), "every voxel is -1000"),
    "zero.nii": (lambda path: with_spacing(path, 0.0), "voxel spacing must be positive along every axis, got"),
    "negative.nii": (lambda path: with_spacing(path, -4.0), "voxel spacing must be positive along every axis, got"),
    "slice.nii": (lambda path: nifti(path, SCAN[:, :, 0]), "is a single slice; a volume of 2 slices or more"),
}


@pytest.mark.parametrize("name", BAD_SCANS)
def test_scans_that_cannot_be_segmented(tmp_path, refused, model, name):
    make, says = BAD_SCANS[name]
    make(tmp_path / name)
    out = tmp_path / "out"
    refused("segment", tmp_path / name, "-o", out, "--model", model, "--device", "cpu", says=says)
    assert is_empty(out)


def newer(path, model):
    with safe_open(model, framework="pt") as file:
        fields = json.loads(file.metadata()["sneakynet-weights"])
    save_file(load_file(model), path, metadata={"sneakynet-weights": json.dumps({**fields, "format_version": 2})})


def cut(path, model):
    path.write_bytes(model.read_bytes()[:-100])


BAD_MODELS = {
    "missing": (lambda path, model: None, "there is no such file"),
    "empty": (lambda path, model: path.touch(), "is empty, no weights file"),
    "scan": (lambda path, model: nifti(path.with_suffix(".nii")).rename(path), "is no weights file"),
    "cut": (cut, "is cut short or damaged"),
    "pickle": (lambda path, model: torch.save({}, path), "looks like a PyTorch pickle or checkpoint"),
    "other": (lambda path, model: path.write_bytes(save({"a": torch.zeros(1)})), "of another kind"),
    "newer": (newer, "has weights format 2, this sneakynet reads up to 1: upgrade sneakynet"),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_models_of_another_kind_or_version(tmp_path, refused, model, name):
    make, says = BAD_MODELS[name]
    make(tmp_path / name, model)
    scan, out = nifti(tmp_path / "scan.nii"), tmp_path / "out"
    refused("segment", scan, "-o", out, "--model", tmp_path / name, "--device", "cpu", says=says)
    assert is_empty(out)


def test_an_input_that_is_no_model_starts_no_training(tmp_path, refused, dataset):
    (tmp_path / "m").write_text("no model")
    refused("train", dataset, "-o", tmp_path / "run", "--init", tmp_path / "m", says="is no weights file")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def dataset(tmp_path):
    """Two good cases."""
    folder = tmp_path / "dataset"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    labels = np.zeros(SCAN.shape, dtype=np.uint8)
    labels[5:9, 5:9, 5:9] = 1
    for case in ("a", "b"):
        nifti(folder / "imagesTr" / f"{case}_0000.nii.gz")
        nifti(folder / "labelsTr" / f"{case}.nii.gz", labels)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "sacrum": 1}}))
    return folder


def labels_of_other_shape(folder):
    nifti(folder / "labelsTr" / "b.nii.gz", np.zeros((20, 20, 19), dtype=np.uint8))


def labels_elsewhere(folder):
    shifted = AFFINE.copy()
    shifted[2, 3] = 3.0
    nifti(folder / "labelsTr" / "b.nii.gz", np.zeros((20, 20, 20), dtype=np.uint8), shifted)


def labels_without_a_name(folder):
    nifti(folder / "labelsTr" / "b.nii.gz", np.full((20, 20, 20), 7, dtype=np.uint8))


def names_without_a_bone(folder):
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "sacrum": 1, "liver": 2}}))


def one_case(folder):
    (folder / "imagesTr" / "b_0000.nii.gz").unlink()
    (folder / "labelsTr" / "b.nii.gz").unlink()


def scan_as_labels(folder):
    nifti(folder / "labelsTr" / "b.nii.gz", SCAN)


def nothing_described(folder):
    (folder / "dataset.json").unlink()


def nan_scan(folder):
    not_a_number(folder / "imagesTr" / "b_0000.nii.gz")


def cut_scan(folder):
    shortened(folder / "imagesTr" / "b_0000.nii.gz", by=3000)


BAD_DATASETS = [
    (labels_of_other_shape, "case b: the label map lies on another grid than the scan ((20, 20, 19) voxels"),
    (labels_elsewhere, "case b: the label map lies on another grid than the scan"),
    (labels_without_a_name, "case b: labels 7 are not in dataset.json"),
    (names_without_a_bone, "label 'liver' (2) is not in the bone table"),
    (one_case, "the dataset has 1 case, training needs at least 2"),
    (scan_as_labels, "a label map holds whole numbers from 0 to 65535"),
    (nothing_described, "is no dataset: it has none of what tells a dataset"),
    (nan_scan, "3 of 8000 voxels are NaN or infinite"),
    (cut_scan, "the file is damaged or cut short"),
]


@pytest.mark.parametrize(("spoil", "says"), BAD_DATASETS, ids=[spoil.__name__ for spoil, _ in BAD_DATASETS])
def test_datasets_that_cannot_be_trained_on(tmp_path, refused, dataset, spoil, says):
    spoil(dataset)
    small = (
        "--patch-size",
        16,
        "--levels",
        2,
        "--contexts",
        1,
        "--width",
        2,
        "--spacing",
        4,
        "--device",
        "cpu",
        "--quiet",
    )
    refused("train", dataset, "-o", tmp_path / "run", *small, says=says)
    assert not (tmp_path / "run").exists()


def test_what_stood_in_a_folder_is_kept_when_the_dataset_has_faults(tmp_path, refused, dataset):
    labels_without_a_name(dataset)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    small = ("--patch-size", 16, "--levels", 2, "--contexts", 1, "--width", 2, "--device", "cpu", "--quiet")
    refused("train", dataset, "-o", tmp_path / "run", *small, says="labels 7 are not in dataset.json")
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize("command", ["segment", "train", "evaluate", "phantom", "demo"])
def test_outputs_that_cannot_be_written(tmp_path, refused, model, dataset, command):
    inputs = {
        "segment": (nifti(tmp_path / "scan.nii"), "--model", model, "--device", "cpu"),
        "train": (
            dataset,
            "--device",
            "cpu",
            "--quiet",
            "--patch-size",
            16,
            "--levels",
            2,
            "--contexts",
            1,
            "--width",
            2,
        ),
        "evaluate": (dataset / "labelsTr", dataset / "labelsTr"),
        "phantom": ("--count", 1, "--workers", 1),
        "demo": (),
    }[command]
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for output in (tmp_path / "file", tmp_path / "file" / "deep"):
        refused(command, *inputs, "-o", output, says="cannot write into the folder")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("phantom", "--spacing", 0), "a phantom's spacing is 0.5 to 12.0 mm per voxel, got 0.0"),
        (("phantom", "--spacing", -2), "a phantom's spacing is 0.5 to 12.0 mm per voxel, got -2.0"),
        (("phantom", "--seed", -1), "a phantom's seed is a whole number from 0 on, got -1"),
        (("phantom", "--workers", 0), "workers must be at least 1, got 0"),
        (("demo", "--spacing", 0), "a phantom's spacing is 0.5 to 12.0 mm per voxel, got 0.0"),
        (("demo", "--device", "abacus"), "cannot use device 'abacus': unknown; available: auto, cpu"),
    ],
)
def test_phantoms_that_cannot_be_made(tmp_path, refused, monkeypatch, arguments, says):
    # A copy of the package may be without weights; the demo asks for them first.
    monkeypatch.setattr("sneakynet.cli.demo.packaged_weights", lambda: None)
    refused(*arguments, "-o", tmp_path / "out", says=says)
    assert is_empty(tmp_path / "out")


@pytest.mark.parametrize("command", ["segment", "train"])
def test_a_device_that_is_not_there(tmp_path, refused, model, dataset, command):
    inputs = (nifti(tmp_path / "scan.nii"), "--model", model) if command == "segment" else (dataset,)
    refused(command, *inputs, "-o", tmp_path / "out", "--device", "cuda:99", says="cannot use device 'cuda:99'")
    assert not (tmp_path / "out").exists()


def test_a_command_without_its_extra_names_it(tmp_path):
    program = """
import sys
from sneakynet.cli.main import main

for module in ("vtkmodules", "mujoco", "myo_sim"):
    for name in [name for name in sys.modules if name.startswith(("sneakynet.phantom", "sneakynet.cli", module))]:
        del sys.modules[name]
    sys.modules[module] = None  # as if it were not installed
    for command in ("phantom", "demo"):
        assert main([command, "-o", "out"]) == 2
    del sys.modules[module]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"error: this needs the package {module}, which is not installed; run pip install 'sneakynet[phantom]'"
        for module in ("vtkmodules", "mujoco", "myo_sim")
        for _ in ("phantom", "demo")
    ]
    assert not any(tmp_path.iterdir())
