"""What the graphs compute: ``tests/unit/inference/test_exported.py``."""

import onnx
import pytest
from torch import nn

from sneakynet.errors import SettingError
from sneakynet.export import graphs as module
from sneakynet.export.graphs import OPSET, traced, write_graphs
from sneakynet.inference.exported_folder import parts_of
from sneakynet.models.builders import build_sneakynet


def axes(ends):
    return {end.name: [dim.dim_param or dim.dim_value for dim in end.type.tensor_type.shape.dim] for end in ends}


@pytest.mark.parametrize("name", ["A", "C", "D"])
def test_inputs_and_outputs_are_those_of_the_description(tiny, name):
    parts = parts_of(tiny(name).network.architecture)
    graphs = tiny(name).graphs
    assert [*graphs] == [part.name for part in parts]
    for part in parts:
        graph = onnx.load_from_string(graphs[part.name]).graph
        assert {"inputs": axes(graph.input), "outputs": axes(graph.output)} == part.described()


def test_no_trace_of_this_machine(tiny):
    for graph in tiny("D").graphs.values():
        model = onnx.load_from_string(graph)
        assert model.opset_import[0].version == OPSET
        for thing in (model, model.graph, *model.graph.node, *model.graph.initializer):
            assert not thing.metadata_props
        assert b".py" not in graph


def test_a_graph_holds_the_weights_of_its_part_alone(tiny):
    network, graphs = tiny("D").network, tiny("D").graphs
    for name, part in (("target", network.target), ("context_1", network.contexts[0])):
        trained = sum(parameter.numel() for parameter in part.parameters())
        held = sum(_count(tensor) for tensor in onnx.load_from_string(graphs[name]).graph.initializer)
        # Neither the head nor, where it is merged with a convolution, the scale of a normalisation.
        assert 0.8 * trained < held <= trained


def test_files_of_either_kind(tiny, tmp_path, kind):
    write_graphs(tiny("D").graphs, tmp_path, kind=kind)
    endings = {"onnx": ["onnx"], "openvino": ["bin", "xml"]}[kind]
    expected = [f"{name}.{ending}" for name in ("context_1", "target") for ending in endings]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected


def test_a_network_beyond_the_largest_file(monkeypatch):
    monkeypatch.setattr(module, "_LARGEST", 2**10)
    network = build_sneakynet(variant="A", n_classes=3, patch_size=8, contexts=(), width=2, levels=2).eval()
    with pytest.raises(SettingError, match=r"target has [\d.]+ GiB of weights, an ONNX graph holds 2 GiB; a network"):
        traced(network)


def test_the_network_stays_as_it_was(tiny):
    """Tracing leaves neither fake tensors nor training mode behind."""
    network = tiny("D").network
    assert not network.training
    assert all(type(parameter) is nn.Parameter for parameter in network.parameters())


def _count(tensor):
    count = 1
    for edge in tensor.dims:
        count *= edge
    return count
