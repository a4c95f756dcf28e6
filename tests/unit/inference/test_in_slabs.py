import pytest
import torch

from sneakynet.inference import in_slabs as module
from sneakynet.inference.engine import TorchEngine, streamlined
from sneakynet.models.builders import build_sneakynet

CPU = torch.device("cpu")


def network(**architecture):
    torch.manual_seed(0)
    return build_sneakynet(n_classes=3, patch_size=16, contexts=(1,), width=4, levels=3, **architecture)


@pytest.mark.parametrize("slab", [1, 700, 1500, 10**6])
@pytest.mark.parametrize("shape", [(20, 8, 12), (4, 16, 8), (36, 12, 4)])
@pytest.mark.parametrize(
    "architecture",
    [
        {"variant": "C", "norm": "batch"},
        {"variant": "D", "norm": "none"},
        {"variant": "E", "norm": "batch", "hook_source": "decoder"},
    ],
)
def test_the_maps_are_the_same(architecture, shape, slab, monkeypatch):
    monkeypatch.setattr(module, "SLAB_VOXELS", slab)
    made = network(**architecture)
    volume = torch.randn(1, 1, *shape)

    with torch.inference_mode():
        found = TorchEngine(made, device=CPU, dtype=torch.float32).context_maps(0, volume)
        expected = streamlined(made).read_maps(0, volume)

    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_maps_are_whole_where_normalisation_looks_at_all_of_them(monkeypatch):
    monkeypatch.setattr(module, "SLAB_VOXELS", 1)
    made = network(variant="E", norm="instance")
    volume = torch.randn(1, 1, 16, 16, 16)

    with torch.inference_mode():
        found = TorchEngine(made, device=CPU, dtype=torch.float32).context_maps(0, volume)
        for one, other in zip(found, streamlined(made).read_maps(0, volume), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
