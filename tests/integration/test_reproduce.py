"""``sneakynet reproduce`` from scans to the page, broken off and taken up again."""

import json

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.reproduction import unit as unit_module
from sneakynet.reproduction import work

BONES = ("hip_left", "hip_right", "sacrum")


@pytest.fixture
def dataset(tmp_path):
    """Five scans of 32^3 voxels of 8 mm with three bright balls."""
    folder = tmp_path / "dataset"
    random = np.random.default_rng(0)
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    ids = {name: BoneTable.default()[name].id for name in BONES}
    grid = np.stack(np.meshgrid(*[np.arange(32)] * 3, indexing="ij"), -1)
    for case in range(5):
        labels = np.zeros((32, 32, 32), dtype=np.uint8)
        for value, centre in zip(ids.values(), ((8, 16, 10), (24, 16, 10), (16, 16, 24)), strict=True):
            labels[((grid - centre - random.uniform(-2, 2, 3)) ** 2).sum(-1) < 30] = value
        scan = np.where(labels > 0, 500, 0) + random.normal(0, 30, labels.shape)
        affine = np.diag([8.0, 8.0, 8.0, 1.0])
        nibabel.save(nibabel.Nifti1Image(scan.astype(np.int16), affine), folder / "imagesTr" / f"c{case}_0000.nii.gz")
        nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "labelsTr" / f"c{case}.nii.gz")
    (folder / "dataset.json").write_text(
        json.dumps({"labels": {"background": 0, **ids}, "channel_names": {"0": "CT"}, "file_ending": ".nii.gz"})
    )
    return folder


def reproduce(dataset, folder, *options):
    fixed = ["--scale", "smoke", "--iterations", 3, "--data", dataset, "-o", folder, "--device", "cpu", "--threads", 1]
    chosen = ["--only", "A_16", "D_16_32", "--folds", 0]
    return main(["reproduce", *map(str, [*fixed, *chosen, *options])])


def test_broken_off_and_taken_up_again(dataset, tmp_path, capsys, monkeypatch, one_thread):
    folder = tmp_path / "out"
    train = unit_module.train
    with monkeypatch.context() as patch:  # broken off within the first training
        patch.setattr(unit_module, "train", lambda *a, **k: train(*a, **{**k, "stop": lambda step: step == 2}))
        assert reproduce(dataset, folder) == 0
    assert "stopped: the same command goes on" in capsys.readouterr().err
    assert (folder / "runs" / "A_16" / "fold_0" / "training" / "checkpoint.pt").is_file()
    assert "Done: 0 of 25" in (folder / "reproduction.md").read_text()

    with monkeypatch.context() as patch:  # and between segmenting and scoring
        patch.setattr(unit_module, "_score", lambda unit: 1 / 0)
        assert reproduce(dataset, folder) == 1
    err = capsys.readouterr().err
    assert "A_16 fold 0: training goes on" in err
    assert "A_16 fold 0: segmented" in err

    assert reproduce(dataset, folder) == 0
    err = capsys.readouterr().err
    assert "A_16 fold 0: training" not in err
    assert "A_16 fold 0: segmented" not in err
    assert "all is done" in err
    facts = json.loads((folder / "reproduction.json").read_text())["experiments"]
    assert [len(facts[name]["folds"]) for name in ("A_16", "D_16_32", "B_16_32")] == [1, 1, 0]
    assert facts["D_16_32"]["pairs"] == 3  # three bones of the one scan of the first fold
    split = json.loads((folder / "splits_final.json").read_text())[0]
    assert not {*facts["A_16"]["cases"]} & {*split["train"], *split["val"]}

    monkeypatch.setattr(work, "run_unit", lambda *_, **__: 1 / 0)  # nothing is done twice
    assert reproduce(dataset, folder) == 0


def test_another_plan_in_the_same_folder(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(work, "run_unit", lambda *_, **__: True)
    assert reproduce(dataset, tmp_path / "out") == 0
    assert reproduce(dataset, tmp_path / "out", "--iterations", 4) == 2
    assert "cannot go on with iterations: 4, not 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "X_16"], "no experiment X_16 at scale smoke; there is: A_16, B_16_32"),
        (["--folds", 7], "no fold 7; there are 0 to 4"),
        (
            ["--jobs", 0, "--time-limit", 0],
            "jobs must be 1 or more, got 0; time_limit must be above 0 minutes, got 0.0",
        ),
    ],
)
def test_options_that_cannot_be(dataset, tmp_path, capsys, options, message):
    assert reproduce(dataset, tmp_path / "out", *options) == 2
    assert message in capsys.readouterr().err
