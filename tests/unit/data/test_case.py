"""Cases: their size, their device, and the voxels that they remember of every class."""

import numpy as np
import torch

from sneakynet.data.case import Case, class_centres
from sneakynet.data.pyramid import Pyramid


def test_bytes_and_devices():
    scan = {0: torch.zeros(4, 4, 4, dtype=torch.int16), 1: torch.ones(2, 2, 2, dtype=torch.int16)}
    labels = {0: torch.zeros(4, 4, 4, dtype=torch.uint8), 1: torch.zeros(2, 2, 2, dtype=torch.uint8)}
    case = Case(name="a", shape=(4, 4, 3), pyramid=Pyramid(scan=scan, labels=labels), centres={})
    assert case.n_bytes == 3 * (64 + 8)
    moved = case.to(torch.device("cpu"))
    assert torch.equal(moved.pyramid.scan[1][:], scan[1])
    assert (moved.name, moved.shape) == ("a", (4, 4, 3))


def test_centres_are_voxels_of_their_class():
    labels = np.zeros((5, 5, 5), dtype=np.uint8)
    labels[1:4, 1:4, 1] = 7
    labels[4, 4, 4] = 2
    centres = class_centres(labels, per_class=4, rng=np.random.default_rng(0))
    assert {bone: len(voxels) for bone, voxels in centres.items()} == {2: 1, 7: 4}
    assert all((labels[tuple(voxels.T)] == bone).all() for bone, voxels in centres.items())
    assert class_centres(np.zeros((2, 2, 2), dtype=np.uint8), per_class=4, rng=np.random.default_rng(0)) == {}
