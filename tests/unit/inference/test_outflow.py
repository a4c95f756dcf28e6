import numpy as np
import pytest
import torch

from sneakynet.inference.outflow import Outflow
from sneakynet.inference.upsample import LabelledPlanes

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="this is about GPUs"))


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_everything_has_arrived_in_its_place_at_the_end(device):
    labels, confidence = np.zeros((6, 4, 5), np.uint8), np.zeros((6, 4, 5), np.uint8)
    found = torch.arange(120, dtype=torch.uint8).reshape(6, 4, 5)
    with Outflow(labels, confidence).open() as into:
        for k in range(0, 6, 2):
            for j in range(0, 4, 2):
                at = (slice(k, k + 2), slice(j, j + 2))
                into.put(LabelledPlanes(found[at].to(device), found[at].to(device) // 2), at)
    np.testing.assert_array_equal(labels, found.numpy())
    np.testing.assert_array_equal(confidence, found.numpy() // 2)


def test_no_confidence_where_none_is_asked_for():
    labels = np.zeros((1, 2, 2), np.uint8)
    with Outflow(labels, None).open() as into:
        into.put(LabelledPlanes(torch.ones(1, 2, 2, dtype=torch.uint8), None), (slice(None), slice(None)))
    assert labels.all()
