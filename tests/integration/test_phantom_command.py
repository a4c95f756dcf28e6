import json

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    assert main(["phantom", "-o", str(folder), "--count", "2", "--seed", "5", "--spacing", "8", "--workers", "1"]) == 0
    return folder


def test_layout_is_nnunets(dataset):
    description = json.loads((dataset / "dataset.json").read_text())
    assert description["numTraining"] == 2
    assert description["file_ending"] == ".nii.gz"
    assert description["labels"] == {"background": 0, **{b.name: b.id for b in BoneTable.default()}}
    for seed in (5, 6):
        scan = nibabel.load(dataset / "imagesTr" / f"phantom_{seed:05d}_0000.nii.gz")
        labels = nibabel.load(dataset / "labelsTr" / f"phantom_{seed:05d}.nii.gz")
        np.testing.assert_array_equal(scan.affine, labels.affine)
        assert scan.shape == labels.shape
        assert nibabel.aff2axcodes(scan.affine) == ("R", "A", "S")
        assert np.asarray(labels.dataobj).max() <= 125


def test_a_stopped_run_goes_on(dataset, capsys):
    before = (dataset / "imagesTr" / "phantom_00005_0000.nii.gz").stat().st_mtime_ns
    options = ["--count", "3", "--seed", "5", "--spacing", "8", "--workers", "1", "--quiet"]
    assert main(["phantom", "-o", str(dataset), *options]) == 0
    assert (dataset / "imagesTr" / "phantom_00005_0000.nii.gz").stat().st_mtime_ns == before
    assert json.loads((dataset / "dataset.json").read_text())["numTraining"] == 3


def test_other_settings_are_refused(dataset, capsys):
    assert main(["phantom", "-o", str(dataset), "--spacing", "4", "--workers", "1"]) == 2
    assert "holds phantoms made with" in capsys.readouterr().err


def test_unwritable_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["phantom", "-o", str(tmp_path / "file" / "x"), "--count", "1", "--workers", "1"]) == 2
    assert "cannot write into the folder" in capsys.readouterr().err


def test_bad_count(tmp_path, capsys):
    assert main(["phantom", "-o", str(tmp_path / "new"), "--count", "0"]) == 2
    assert "count must be at least 1, got 0" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
