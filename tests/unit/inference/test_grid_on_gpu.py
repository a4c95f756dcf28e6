import numpy as np
import pytest
import torch

from sneakynet.data.network_grid import on_network_grid
from sneakynet.inference import grid_on_gpu as module
from sneakynet.inference.grid_on_gpu import grid_on_gpu
from sneakynet.volumes.volume import Volume

SPACING = 4.0
GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="this is about GPUs"))


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32, ">i2"])
@pytest.mark.parametrize("memory_order", ["C", "F"])
@pytest.mark.parametrize("steps", [(1.0, 2.0, 0.7), (-1.5, 1.0, -4.0), (SPACING, SPACING, SPACING), (SPACING, 2.0, -1)])
def test_the_grid_is_that_of_the_processor(steps, memory_order, dtype, device, monkeypatch):
    monkeypatch.setattr(module, "_SLAB_BYTES", 4 * 30 * 70 * 7)  # many slabs, the last one thinner
    voxels = np.random.default_rng(0).integers(-3000, 4000, size=(50, 30, 70)) + (3000 if dtype == np.uint16 else 0)
    affine = np.diag([*steps, 1.0])[:, [1, 0, 2, 3]]  # exchanged axes too
    moved = Volume(np.asarray(voxels, dtype=dtype, order=memory_order), affine)
    before = moved.voxels.copy()

    expected = on_network_grid(moved, spacing=(SPACING,) * 3).voxels
    found = grid_on_gpu(moved, spacing=(SPACING,) * 3, device=torch.device(device))

    assert found.shape == expected.shape
    np.testing.assert_allclose(found.cpu().numpy(), expected, atol=0.01)
    np.testing.assert_array_equal(moved.voxels, before)
