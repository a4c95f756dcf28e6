"""nnU-Net's form of the scores."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.evaluation.case import compare
from sneakynet.evaluation.nnunet_summary import nnunet_summary
from sneakynet.evaluation.pairing import Pair
from sneakynet.volumes.volume import Volume

TABLE = BoneTable((Bone(1, "head"), Bone(2, "tail"), Bone(3, "wing")))


def volume(*labels):
    return Volume(np.array(labels, dtype=np.uint8).reshape(-1, 1, 1), np.eye(4))


def test_form_and_figures():
    results = [
        compare(volume(1, 1, 2, 0, 0), volume(1, 1, 1, 0, 0), table=TABLE, case="one"),
        compare(volume(1, 0, 0, 2, 0), volume(1, 1, 1, 2, 2), table=TABLE, case="two"),
    ]
    pairs = [Pair(name, Path("p") / f"{name}.nii", Path("r") / f"{name}.nii") for name in ("one", "two")]
    record = json.loads(nnunet_summary(results, pairs, table=TABLE))
    assert set(record) == {"foreground_mean", "mean", "metric_per_case"}
    one, two = record["metric_per_case"]
    assert (one["prediction_file"], one["reference_file"]) == ("p/one.nii", "r/one.nii")
    assert one["metrics"]["1"] == {
        "Dice": pytest.approx(4 / 5),
        "IoU": pytest.approx(2 / 3),
        "TP": 2,
        "FP": 0,
        "FN": 1,
        "TN": 2,
        "n_pred": 2,
        "n_ref": 3,
    }
    assert one["metrics"]["2"]["Dice"] == 0  # invented
    assert (one["metrics"]["2"]["FP"], one["metrics"]["2"]["n_ref"]) == (1, 0)
    assert math.isnan(one["metrics"]["3"]["Dice"])
    assert one["metrics"]["3"]["TN"] == 5
    assert (two["metrics"]["1"]["Dice"], two["metrics"]["2"]["Dice"]) == pytest.approx((2 / 4, 2 / 3))
    assert record["mean"]["1"]["Dice"] == pytest.approx((4 / 5 + 1 / 2) / 2)
    assert record["mean"]["2"]["Dice"] == pytest.approx((0 + 2 / 3) / 2)
    assert math.isnan(record["mean"]["3"]["Dice"])
    assert record["foreground_mean"]["Dice"] == pytest.approx((0.65 + 1 / 3) / 2)
    assert record["foreground_mean"]["n_ref"] == pytest.approx((3 + 1 + 0) / 3)
