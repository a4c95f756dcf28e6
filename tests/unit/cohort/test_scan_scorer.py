import numpy as np
import torch

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.cohort.scan_scorer import score_scan
from sneakynet.data.case import Case
from sneakynet.data.pyramid import build_pyramid
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.weights import WeightsHeader


def test_by_hand():
    """A network that answers 1 everywhere, and a scan of which a half is 1, a quarter 2 and a quarter unknown."""
    network = build_sneakynet(variant="D", n_classes=4, patch_size=8, contexts=(1,), width=2, levels=2)
    torch.nn.init.zeros_(network.target.head.weight)
    network.target.head.bias.data = torch.tensor([0.0, 9.0, 0.0, 0.0])
    before = {name: values.clone() for name, values in network.state_dict().items()}
    labels = torch.ones(10, 12, 8, dtype=torch.uint8)
    labels[5:, :6], labels[5:, 6:] = 2, 255
    scan = torch.zeros(10, 12, 8, dtype=torch.int16)
    pyramid = build_pyramid(scan, labels, levels=(1,), n_classes=4)
    table = BoneTable(tuple(Bone(id=n, name=name) for n, name in enumerate(("hip", "femur", "skull"), start=1)))
    header = WeightsHeader(
        architecture=network.architecture.to_dict(), spacing=(2.0,) * 3, hu_window=(-500.0, 1000.0), table=table
    )
    found = score_scan(network, header, Case(name="a", shape=(10, 12, 8), pyramid=pyramid, centres={}))
    np.testing.assert_allclose(found, [np.nan, 2 * 2 / (2 + 3), 0.0, np.nan])
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
