"""Exported models of format 1 are read for ever, and go on giving the numbers of the network that they were made of.

``exported_onnx_v1`` and ``exported_openvino_v1`` were written by ``sneakynet export`` from ``weights_v1.safetensors``
(variant E, contexts 1 and 2). They are never written again.
"""

from pathlib import Path

import pytest
import torch

from sneakynet.inference.exported import load_exported
from sneakynet.models.weights import load_weights

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def read(request):
    return load_exported(FOLDER / f"exported_{request.param}_v1", device="cpu", precision="f32")


def test_the_header_and_the_head(read):
    engine, header = read
    network, expected = load_weights(FOLDER / "weights_v1.safetensors")
    assert header == expected
    assert all(torch.equal(one, other) for one, other in zip(engine.head(), network.target_head(), strict=True))


@torch.inference_mode()
def test_the_numbers(read):
    engine, _ = read
    network, _ = load_weights(FOLDER / "weights_v1.safetensors")
    wave = torch.sin(torch.arange(16**3, dtype=torch.float64) * 0.37).float().reshape(1, 1, 16, 16, 16)
    whole = [engine.context_maps(context, wave) for context in (0, 1)]
    for context in (0, 1):
        for ours, theirs in zip(whole[context], network.read_maps(context, wave), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    crossed = [whole[0][0][..., 4:12, 4:12, 4:12], whole[0][1][..., 2:6, 2:6, 2:6], whole[1][0][..., 6:10, 6:10, 6:10]]
    torch.testing.assert_close(engine.target_features(wave, crossed), network.fuse(wave, crossed), rtol=0, atol=1e-4)
