"""Overlap and surfaces against those of MONAI, and where it is installed nnU-Net."""

import warnings

import nibabel
import numpy as np
import pytest
import torch

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.case import compare
from sneakynet.volumes.volume import Volume

TABLE = BoneTable(tuple(Bone(n, f"bone_{n}") for n in range(1, 9)))


def imported(name):
    with warnings.catch_warnings(action="ignore"):
        return pytest.importorskip(name, exc_type=ImportError)


@pytest.fixture(scope="module")
def maps():
    """Blobs of eight bones; the prediction is moved and has strays."""
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 9, (5, 4, 6), dtype=np.uint8).repeat(6, 0).repeat(6, 1).repeat(6, 2)
    prediction = np.roll(reference, (2, -1, 1), (0, 1, 2))
    stray = rng.random(prediction.shape) < 0.05
    prediction[stray] = rng.integers(0, 9, int(stray.sum()))
    return prediction, reference


def own(maps):
    volumes = (Volume(voxels, np.diag([1.0, 1.0, 2.0, 1.0])) for voxels in maps)
    return compare(*volumes, table=TABLE, case="k", surface=False)


def test_dice_is_monai_s(maps):
    metrics = imported("monai.metrics")
    prediction, reference = (torch.from_numpy(voxels).long()[None, None] for voxels in maps)
    with warnings.catch_warnings(action="ignore"):
        helper = metrics.DiceHelper(include_background=False, num_classes=9, softmax=False, get_not_nans=False)
        helper.reduction = "none"
        expected = helper(prediction, reference)[0].tolist()
    assert [score.dsc for score in own(maps).scores] == pytest.approx(expected, abs=1e-6)


def test_dice_and_iou_are_nnunet_s(maps, tmp_path):
    evaluate = imported("nnunetv2.evaluation.evaluate_predictions")
    reader = imported("nnunetv2.imageio.nibabel_reader_writer").NibabelIO()
    for name, voxels in zip(("prediction", "reference"), maps, strict=True):
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / f"{name}.nii.gz")
    files = str(tmp_path / "reference.nii.gz"), str(tmp_path / "prediction.nii.gz")
    expected = evaluate.compute_metrics(*files, reader, list(range(1, 9)))["metrics"]
    for score in own(maps).scores:
        assert score.dsc == pytest.approx(expected[score.id]["Dice"], abs=1e-6)
        assert score.iou == pytest.approx(expected[score.id]["IoU"], abs=1e-6)
