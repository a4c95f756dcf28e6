"""Walking through a volume in slabs."""

import numpy as np
import pytest

from sneakynet.evaluation import slabs as module
from sneakynet.evaluation.slabs import slabs


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("block", [1, 20, 1000])
def test_slabs_cover_the_volume_once_and_lie_together(monkeypatch, order, block):
    monkeypatch.setattr(module, "_BLOCK", block)
    labels = np.zeros((4, 3, 5), dtype=np.uint8, order=order)
    found = list(slabs(labels))
    for slab in found:
        labels[slab] += 1
        assert labels[slab].flags[f"{order}_CONTIGUOUS"]
    assert (labels == 1).all()
    assert len(found) == {1: 4 if order == "C" else 5, 20: 4 if order == "C" else 5, 1000: 1}[block]
