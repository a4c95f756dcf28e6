"""Exported models run like the networks that they were made of."""

import copy
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from sneakynet.errors import SettingError, WeightsError
from sneakynet.inference import exported as module
from sneakynet.inference.engine import TorchEngine
from sneakynet.inference.exported import is_exported, load_exported
from sneakynet.models.crop_skip import centre_crop
from sneakynet.models.weights import load_weights

WEIGHTS_OF_GOLDEN = Path(__file__).parents[2] / "golden" / "weights_v1.safetensors"
MODELS = ["A", "C", "D", "golden"]  # the last: variant E, two contexts


@pytest.fixture(scope="module")
def pair(tiny, exported):
    """The engine of an exported model, and torch's of the network that it was made of."""

    @cache
    def load(model, kind):
        if model == "golden":
            network, _ = load_weights(WEIGHTS_OF_GOLDEN)
            folder = WEIGHTS_OF_GOLDEN.with_name(f"exported_{kind}_v1")
        else:
            network, folder = copy.deepcopy(tiny(model).network), exported(model, kind)
        engine, _ = load_exported(folder, device="cpu", precision="f32")
        return engine, TorchEngine(network, device=torch.device("cpu"), dtype=torch.float32)

    return load


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def assert_equal(ours, theirs, *, share=1e-5):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == torch.float32
        assert float(other.std()) > 0.01  # something that can differ
        torch.testing.assert_close(one, other.float(), rtol=0, atol=share * float(other.abs().max()))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("model", MODELS)
@torch.inference_mode()
def test_the_target_gives_what_torch_gives(pair, kind, model, batch):
    engine, reference = pair(model, kind)
    patches = noise(batch, 1, *[reference.architecture.patch_size] * 3)
    crossed = []
    for context in range(len(reference.architecture.contexts)):
        maps = reference.context_maps(context, patches)
        links = [link for link in reference.crop_skips if link.context == context]
        crossed += [centre_crop(m, kappa=link.kappa) for m, link in zip(maps, links, strict=False)]
    ours, theirs = (each.target_features(patches, crossed) for each in (engine, reference))
    assert_equal([ours], [theirs])


@pytest.mark.parametrize("shape", [(3, 1, 8, 8, 8), (1, 1, 4, 8, 12), (2, 1, 20, 12, 16)])
@pytest.mark.parametrize("model", MODELS[1:])
@torch.inference_mode()
def test_contexts_give_what_torch_gives(pair, kind, model, shape):
    engine, reference = pair(model, kind)
    for context in range(len(reference.architecture.contexts)):
        volume = noise(*shape)
        assert_equal(engine.context_maps(context, volume), reference.context_maps(context, volume))


@pytest.mark.parametrize("model", MODELS)
def test_what_is_not_in_the_graphs(pair, kind, model):
    engine, reference = pair(model, kind)
    assert engine.architecture == reference.architecture
    assert engine.crop_skips == reference.crop_skips
    assert (engine.device, engine.precision) == (torch.device("cpu"), "f32")
    for ours, theirs in zip(engine.head(), reference.head(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_header(tiny, exported, kind):
    _, header = load_exported(exported("D", kind), precision="f32")
    assert header == tiny("D").header


@torch.inference_mode()
def test_what_a_run_gave_stays_as_it_is(pair, kind):
    engine, _ = pair("golden", kind)
    first = engine.context_maps(0, noise(1, 1, 8, 8, 8))
    before = [map_.clone() for map_ in first]
    engine.context_maps(0, noise(1, 1, 8, 8, 12))
    engine.context_maps(0, -noise(1, 1, 8, 8, 8))
    assert_equal(first, before, share=0)


@torch.inference_mode()
def test_any_order_of_axes_in_memory_will_do(pair, kind):
    engine, _ = pair("golden", kind)
    volume = noise(1, 1, 12, 8, 16)
    turned = volume.permute(0, 1, 4, 3, 2).contiguous().permute(0, 1, 4, 3, 2)
    assert not turned.is_contiguous()
    assert_equal(engine.context_maps(1, turned), engine.context_maps(1, volume), share=0)


@torch.inference_mode()
def test_openvino_in_bf16(pair, monkeypatch):
    if not module.computes_bf16():
        pytest.skip("this processor has no bf16")
    monkeypatch.setattr(
        module, "compute_dtype", lambda precision, device: torch.float32 if precision == "f32" else torch.bfloat16
    )
    folder = WEIGHTS_OF_GOLDEN.with_name("exported_openvino_v1")
    exact = pair("golden", "openvino")[0].context_maps(0, noise(1, 1, 16, 16, 16))
    for precision in ("bf16", "auto"):
        engine, _ = load_exported(folder, precision=precision)
        assert engine.precision == "bf16"
        maps = engine.context_maps(0, noise(1, 1, 16, 16, 16))
        assert_equal(maps, exact, share=0.05)
        assert not torch.equal(maps[-1], exact[-1])


def test_bf16_where_the_processor_lacks_it(golden, kind, monkeypatch):
    monkeypatch.setattr(module, "computes_bf16", lambda: False)
    monkeypatch.setattr(
        module, "compute_dtype", lambda precision, device: torch.float32 if precision == "f32" else torch.bfloat16
    )
    assert load_exported(golden, precision="auto")[0].precision == "f32"
    who = {
        "onnx": "ONNX Runtime does not compute in bf16 on CPUs: give --precision f32, or export to openvino",
        "openvino": "OpenVINO does not compute in bf16 on this processor: give --precision f32",
    }
    with pytest.raises(SettingError, match=rf"^{who[kind]}$"):
        load_exported(golden, precision="bf16")


def test_another_device(golden):
    with pytest.raises(SettingError, match=r"runs on the CPU, not on 'cuda': give --device cpu, or the weights file"):
        load_exported(golden, device="cuda")


def test_a_runtime_that_is_not_installed(golden, kind, monkeypatch):
    package = {"onnx": "onnxruntime", "openvino": "openvino"}[kind]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingError, match=rf"needs the package {package}, .*; run pip install 'sneakynet\[{kind}\]'"):
        load_exported(golden, precision="f32")


def test_a_graph_of_another_part(golden, kind):
    """Files may be mixed up and the checksums with them."""
    ending = {"onnx": "onnx", "openvino": "xml"}[kind]
    description = (golden / "model.json").read_text()
    first, second = (golden / f"context_{n}.{ending}" for n in (1, 2))
    digests = {path: _digest_in(description, path.name) for path in (first, second)}
    description = description.replace(digests[first], "?").replace(digests[second], digests[first])
    (golden / "model.json").write_text(description.replace("?", digests[second]))
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    if kind == "openvino":
        # The weights of the other graph do not fit, or its outputs do not.
        with pytest.raises(WeightsError, match=r"context_1"):
            load_exported(golden, precision="f32")
        return
    with pytest.raises(WeightsError, match=r"context_1.onnx has the outputs .* where its network has .*; export the"):
        load_exported(golden, precision="f32")


def _digest_in(description, name):
    return description.partition(f'"{name}": "')[2].partition('"')[0]


def test_folders_are_exported_models(golden):
    assert is_exported(golden)
    assert is_exported(str(golden))
    assert not is_exported(golden / "model.json")
    assert not is_exported(golden / "missing")
