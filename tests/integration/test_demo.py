"""``sneakynet demo`` on part of a body: the command that a newcomer runs first."""

import json

import nibabel
import numpy as np

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.label_names import read_label_names


def test_demo_leaves_everything_it_promises(tmp_path, capsys):
    folder = tmp_path / "demo"
    assert main(["demo", "-o", str(folder), "--field", "abdomen_pelvis", "--spacing", "5", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["nonzero_share"] > 0.5
    assert scores["groups"]["pelvis"]["swapped"] == 0
    assert json.loads((folder / "summary.json").read_text())["median_dsc"] == round(scores["median_dsc"], 6)
    assert (folder / "per_class.csv").read_text().startswith("case,id,name,group,dsc")
    assert (folder / "segmentation" / "phantom.png").stat().st_size > 10_000
    bones = json.loads((folder / "segmentation" / "phantom.json").read_text())["bones"]
    assert len(bones) > 8
    scan, labels = nibabel.load(folder / "phantom.nii.gz"), nibabel.load(folder / "segmentation" / "phantom.nii.gz")
    assert labels.shape == scan.shape
    np.testing.assert_array_equal(labels.affine, scan.affine)


def test_a_hand_is_shown_too(tmp_path, capsys):
    folder = tmp_path / "demo"
    assert main(["demo", "-o", str(folder), "--field", "hand", "--spacing", "4", "--seed", "3", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {"carpals", "metacarpals", "phalanges"} & set(scores["groups"])
    # The truth names every label that it holds, that of voxels which count nowhere too.
    truth = folder / "truth.nii.gz"
    names = read_label_names(truth)
    held = set(np.unique(np.asarray(nibabel.load(truth).dataobj)).tolist()) - {0}
    assert held <= set(names)
    assert {name for label, name in names.items() if label > len(BoneTable.default())} <= {"ignore"}
