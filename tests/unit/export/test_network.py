import sys

import pytest
import torch

from sneakynet.errors import OutputError, SettingError, WeightsError
from sneakynet.export import network as module
from sneakynet.export.network import TOLERANCE, export_network
from sneakynet.inference.exported import load_exported
from sneakynet.models.builders import build_sneakynet


@pytest.fixture(autouse=True)
def _traced_before(tiny, monkeypatch):
    """The graphs of these networks are there already."""
    monkeypatch.setattr(module, "traced", lambda network: tiny(network.architecture.variant).graphs)


def test_an_export_is_there_and_proved(tiny, tmp_path, kind):
    folder = tmp_path / "models" / "tiny"
    exported = export_network(tiny("D").network, tiny("D").header, folder, kind=kind)
    assert (exported.folder, exported.kind) == (folder, kind)
    assert exported.files == tuple(sorted(path.name for path in folder.iterdir()))
    assert exported.comparison.runs == 6
    assert 0 < exported.comparison.deviation < 1e-5
    _, header = load_exported(folder, precision="f32")
    assert header == tiny("D").header


def test_the_network_stays_as_it_is(tiny, tmp_path):
    network = tiny("A").network.train()
    strides = [parameter.stride() for parameter in network.parameters()]
    export_network(network, tiny("A").header, tmp_path / "tiny", kind="onnx")
    assert network.training
    assert [parameter.stride() for parameter in network.parameters()] == strides
    network.eval()


@pytest.mark.parametrize("value", [2 * TOLERANCE, float("nan")])
def test_graphs_that_compute_something_else_are_not_left(tiny, tmp_path, monkeypatch, value):
    comparison = module.Comparison(runs=6, deviation=value)
    monkeypatch.setattr(module, "compare", lambda engine, reference: comparison)
    with pytest.raises(
        WeightsError, match=r"nothing was written: the graphs for onnx deviate from torch by .* at most"
    ):
        export_network(tiny("D").network, tiny("D").header, tmp_path / "tiny", kind="onnx")
    assert [*tmp_path.iterdir()] == []


def test_graphs_of_other_weights_are_not_left(tiny, tmp_path):
    torch.manual_seed(1)
    other = build_sneakynet(**{**tiny("A").network.architecture.to_dict(), "contexts": ()})
    with pytest.raises(WeightsError, match="deviate from torch"):
        export_network(other, tiny("A").header, tmp_path / "tiny", kind="onnx")
    assert [*tmp_path.iterdir()] == []


def test_a_header_of_another_network(tiny, tmp_path):
    with pytest.raises(WeightsError, match=r"the header's architecture .* is not the network's .*: take network.arch"):
        export_network(tiny("A").network, tiny("D").header, tmp_path / "tiny", kind="onnx")


def test_a_folder_that_is_there(tiny, tmp_path):
    export_network(tiny("A").network, tiny("A").header, tmp_path / "tiny", kind="onnx")
    with pytest.raises(OutputError, match="it is there already; choose another, or overwrite it"):
        export_network(tiny("A").network, tiny("A").header, tmp_path / "tiny", kind="openvino")
    assert (tmp_path / "tiny" / "target.onnx").is_file()
    export_network(tiny("A").network, tiny("A").header, tmp_path / "tiny", kind="openvino", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == [
        "head.safetensors",
        "model.json",
        "target.bin",
        "target.xml",
    ]


def test_nothing_but_an_exported_model_is_overwritten(tiny, tmp_path):
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(OutputError, match=r"cannot overwrite .*: it holds something else than an exported model"):
        export_network(tiny("A").network, tiny("A").header, tmp_path, kind="onnx", overwrite=True)
    assert (tmp_path / "thesis.txt").is_file()


@pytest.mark.parametrize(
    ("package", "kind"),
    [("onnx", "onnx"), ("onnxscript", "onnx"), ("onnxruntime", "onnx"), ("onnx", "openvino"), ("openvino", "openvino")],
)
def test_a_package_that_is_not_installed(tiny, tmp_path, monkeypatch, package, kind):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingError, match=rf"needs the package {package}, .* pip install 'sneakynet\[{kind}\]'"):
        export_network(tiny("A").network, tiny("A").header, tmp_path / "tiny", kind=kind)
    assert [*tmp_path.iterdir()] == []
