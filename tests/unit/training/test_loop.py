"""Which patches a step takes."""

import numpy as np
import pytest
import torch

from sneakynet.anatomy.bone import BoneTable
from sneakynet.data.case import Case, class_centres
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.training.loop import TrainingData
from sneakynet.training.processes import Processes
from sneakynet.training.settings import TrainSettings

PAIR = "id,name,side,group,mirror\n1,hip_left,left,hips,hip_right\n2,hip_right,right,hips,hip_left\n"
LONE = "id,name,side,group,mirror\n1,hip_left,left,hips,\n2,sacrum,,sacrum,\n"


@pytest.mark.parametrize(("text", "mirrored"), [(PAIR, True), (LONE, False)])
def test_nothing_is_mirrored_where_a_bone_of_one_side_has_no_partner(tmp_path, text, mirrored):
    (tmp_path / "bones.csv").write_text(text)
    labels = np.zeros((24, 24, 24), dtype=np.uint8)
    labels[2:6, 4:20, 4:20] = 1
    scan = np.zeros(labels.shape, dtype=np.int16)
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1,), n_classes=3)
    case = Case("a", scan.shape, pyramid, class_centres(labels, per_class=20, rng=np.random.default_rng(0)))
    geometry = PatchGeometry(patch_size=8, contexts=(1,))
    table = BoneTable.read(tmp_path / "bones.csv")
    data = TrainingData(lambda step: [case], [case], geometry, table, spacing=8.0)
    settings = TrainSettings(patch_size=8, levels=2, batch_size=32, balanced=1.0)

    seen = data.training_batch(settings, 3, Processes(torch.device("cpu"))).labels[0]

    assert (seen == 1).any()
    assert bool((seen == 2).any()) == mirrored
    assert (case.centres.keys()) == {1}
