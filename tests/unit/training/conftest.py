"""A small network under training and patches for it."""

import pytest
import torch

from sneakynet.data.sampling import Patches
from sneakynet.models.builders import build_sneakynet
from sneakynet.training.processes import Processes
from sneakynet.training.settings import TrainSettings
from sneakynet.training.trainer import Trainer


@pytest.fixture
def small_trainer():
    """Makes trainers of a network with one context, four classes and patches of 16 voxels."""

    def make(processes=None, *, double=False, **options):
        torch.manual_seed(0)
        settings = {"variant": "D", "contexts": (1,), "patch_size": 16, "width": 2, "levels": 3, **options}
        norm = settings.get("norm", "instance")
        network = build_sneakynet(variant="D", n_classes=4, patch_size=16, contexts=(1,), width=2, levels=3, norm=norm)
        return Trainer(network.double() if double else network, TrainSettings(**settings), processes)

    return make


@pytest.fixture
def small_patches():
    """Makes a batch of patches in float64."""

    def make(count, dtype=torch.float64):
        random = torch.Generator().manual_seed(1)
        images = tuple(torch.randn(count, 1, 16, 16, 16, generator=random, dtype=dtype) for _ in range(2))
        labels = tuple(torch.randint(0, 4, (count, 16, 16, 16), generator=random).to(torch.uint8) for _ in range(2))
        return Patches(images, labels)

    return make


@pytest.fixture
def cpu():
    """This process alone."""
    return Processes(torch.device("cpu"))
