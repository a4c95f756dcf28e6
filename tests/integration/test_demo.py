"""``sneakynet demo`` on part of a body: the command that a newcomer runs first.

A hand is the smallest part. How well the default weights do on a trunk: ``tests/golden/test_default_weights.py``.
"""

import io
import json
from contextlib import redirect_stdout

import nibabel
import numpy as np
import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.cli.main import main
from sneakynet.volumes.label_names import read_label_names


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "demo"


@pytest.fixture(scope="module")
def scores(folder):
    """What the command prints."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(["demo", "-o", str(folder), "--field", "hand", "--spacing", "4", "--seed", "3", "--json"]) == 0
    return json.loads(printed.getvalue())


def test_demo_leaves_everything_it_promises(folder, scores):
    assert scores["nonzero_share"] > 0.5
    assert {"carpals", "metacarpals", "phalanges"} & set(scores["groups"])
    assert sum(group["bones"] for group in scores["groups"].values()) == scores["pairs"] > 8
    assert json.loads((folder / "summary.json").read_text())["median_dsc"] == round(scores["median_dsc"], 6)
    assert (folder / "per_class.csv").read_text().startswith("case,id,name,group,dsc")
    assert (folder / "segmentation" / "phantom.png").stat().st_size > 10_000
    bones = json.loads((folder / "segmentation" / "phantom.json").read_text())["bones"]
    assert len(bones) > 8
    scan, labels = nibabel.load(folder / "phantom.nii.gz"), nibabel.load(folder / "segmentation" / "phantom.nii.gz")
    assert labels.shape == scan.shape
    np.testing.assert_array_equal(labels.affine, scan.affine)


@pytest.mark.usefixtures("scores")
def test_the_truth_names_every_label_that_it_holds(folder):
    """That of voxels which count nowhere, too."""
    truth = folder / "truth.nii.gz"
    names = read_label_names(truth)
    bones = len(BoneTable.default())
    held = set(np.unique(np.asarray(nibabel.load(truth).dataobj)).tolist()) - {0}
    assert held <= set(names)
    assert {name for label, name in names.items() if label > bones} <= {"ignore"}
