import json

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.data.body_folder import BodyFolder

TABLE = BoneTable.default()
HANDS = ["--field", "hand", "--spacing", "8", "--workers", "1", "--quiet"]


def phantom(folder, *arguments):
    return main(["phantom", "-o", str(folder), *map(str, arguments)])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    assert main(["phantom", "-o", str(folder), "--count", "2", "--seed", "5", "--spacing", "8", "--workers", "1"]) == 0
    return folder


def test_layout_is_nnunets(dataset):
    description = json.loads((dataset / "dataset.json").read_text())
    assert description["numTraining"] == 2
    assert description["file_ending"] == ".nii.gz"
    ignored = [json.loads((dataset / "phantoms" / f"phantom_{seed:05d}.json").read_text())["ignore"] for seed in (5, 6)]
    names = {"background": 0, **{b.name: b.id for b in TABLE}, **({"ignore": 126} if any(ignored) else {})}
    assert description["labels"] == names
    for seed in (5, 6):
        scan = nibabel.load(dataset / "imagesTr" / f"phantom_{seed:05d}_0000.nii.gz")
        labels = nibabel.load(dataset / "labelsTr" / f"phantom_{seed:05d}.nii.gz")
        np.testing.assert_array_equal(scan.affine, labels.affine)
        assert scan.shape == labels.shape
        assert nibabel.aff2axcodes(scan.affine) == ("R", "A", "S")
        voxels = np.asarray(labels.dataobj)
        assert voxels.max() <= 125 + ignored[seed - 5]
        assert len(np.unique(voxels)) > 3


def test_a_stopped_run_goes_on(dataset, capsys):
    before = (dataset / "imagesTr" / "phantom_00005_0000.nii.gz").stat().st_mtime_ns
    options = ["--count", "3", "--seed", "5", "--spacing", "8", "--workers", "1", "--quiet"]
    assert main(["phantom", "-o", str(dataset), *options]) == 0
    assert (dataset / "imagesTr" / "phantom_00005_0000.nii.gz").stat().st_mtime_ns == before
    assert json.loads((dataset / "dataset.json").read_text())["numTraining"] == 3


def test_other_settings_are_refused(dataset, capsys):
    assert main(["phantom", "-o", str(dataset), "--spacing", "4", "--workers", "1"]) == 2
    assert "holds phantoms made with other settings (spacing: 8.0, not 4.0)" in capsys.readouterr().err


def test_bodies(tmp_path):
    assert phantom(tmp_path / "bodies", "--bodies", "--count", 2, "--seed", 5, *HANDS) == 0
    bodies = BodyFolder(tmp_path / "bodies", table=TABLE)
    assert bodies.names == ("phantom_00005", "phantom_00006")
    assert bodies.spacing == 8.0
    assert [(body.facts["seed"], body.facts["field"]) for body in bodies] == [(5, "hand"), (6, "hand")]
    assert all((body.labels > 0).any() for body in bodies)
    assert not (tmp_path / "bodies" / "dataset.json").exists()
    # Scans of the same seeds show the same bodies.
    assert phantom(tmp_path / "scans", "--count", 1, "--seed", 5, *HANDS) == 0
    labels = np.asarray(nibabel.load(tmp_path / "scans" / "labelsTr" / "phantom_00005.nii.gz").dataobj)
    known = labels < TABLE.n_classes
    np.testing.assert_array_equal(labels[known], bodies[0].labels[known])


def test_bodies_and_scans_keep_apart(dataset, tmp_path, capsys):
    assert phantom(dataset, "--bodies", "--count", 1, *HANDS) == 2
    assert "holds scans (dataset.json); choose another folder" in capsys.readouterr().err


def test_settings_of_the_engine(tmp_path, capsys):
    young = ["--person.build.age", 20, 22, 25, "--tissue.fat-mm", 30, 31, "--scan.wild", 0.0, "--fields.chest", 0.5]
    assert phantom(tmp_path / "young", "--count", 1, "--seed", 5, *HANDS, *young) == 0
    record = json.loads((tmp_path / "young" / "phantoms" / "phantom_00005.json").read_text())
    assert 20 <= record["age"] <= 25
    assert phantom(tmp_path / "young", "--count", 1, "--seed", 5, *HANDS) == 2
    assert "made with other settings" in capsys.readouterr().err


def test_a_setting_that_cannot_be(tmp_path, capsys):
    variants = ["--person.variants.thirteen-ribs", 2.0]
    assert phantom(tmp_path / "new", "--count", 1, *HANDS, *variants) == 2
    assert "rates of variants are shares from 0 to 1" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "new").exists()


def test_unwritable_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["phantom", "-o", str(tmp_path / "file" / "x"), "--count", "1", "--workers", "1"]) == 2
    assert "cannot write into the folder" in capsys.readouterr().err


def test_bad_count(tmp_path, capsys):
    assert main(["phantom", "-o", str(tmp_path / "new"), "--count", "0"]) == 2
    assert "count must be at least 1, got 0" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
