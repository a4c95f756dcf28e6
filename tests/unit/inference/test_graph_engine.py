from pathlib import Path

import pytest
import torch

from sneakynet.errors import WeightsError
from sneakynet.inference.graph_engine import GraphEngine, check_names
from sneakynet.models.architecture import Architecture


def recording(calls):
    """A graph that fills its outputs with 1, 2, 3 ... and keeps what it was given."""

    def run(read, filled):
        calls.append(read)
        for number, tensor in enumerate(filled, start=1):
            tensor.fill_(number)

    return run


def engine(calls, **changes):
    settings = {"variant": "E", "contexts": (1,), "hook_source": "decoder", **changes}
    architecture = Architecture(n_classes=3, patch_size=8, width=2, levels=3, norm="batch", **settings)
    run = recording(calls)
    contexts = [run for _ in architecture.contexts]
    head = (torch.zeros(3, 4), torch.zeros(3))
    return GraphEngine(architecture, target=run, contexts=contexts, head=head, precision="f32")


def test_maps_come_as_the_target_reads_them():
    """decoder_0 and decoder_1 cross; the former is what the context's head scores, too."""
    maps = engine([]).context_maps(0, torch.zeros(2, 1, 4, 8, 12))
    assert [tuple(m.shape) for m in maps] == [(2, 2, 4, 8, 12), (2, 4, 2, 4, 6), (2, 2, 4, 8, 12)]
    assert [m.unique().tolist() for m in maps] == [[1], [2], [1]]
    assert maps[0] is maps[2]


def test_a_map_of_its_own_for_the_head():
    maps = engine([], hook_source="encoder").context_maps(0, torch.zeros(1, 1, 4, 4, 4))
    assert [m.unique().tolist() for m in maps] == [[1], [2], [3]]


def test_the_target_has_the_crossed_maps_behind_its_patch():
    calls = []
    target, crossed = torch.zeros(1, 1, 8, 8, 8), [torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 4, 2, 2, 2)]
    features = engine(calls).target_features(target, crossed)
    assert features.shape == (1, 2, 8, 8, 8)
    assert [tuple(tensor.shape) for tensor in calls[0]] == [(1, 1, 8, 8, 8), (1, 2, 4, 4, 4), (1, 4, 2, 2, 2)]


def test_graphs_read_contiguous_float32():
    calls = []
    whole = torch.arange(2 * 8**3, dtype=torch.bfloat16).reshape(1, 2, 8, 8, 8)
    cut = whole[..., 2:6, 2:6, 2:6]
    engine(calls).target_features(torch.zeros(1, 1, 8, 8, 8), [cut, torch.zeros(1, 4, 2, 2, 2)])
    read = calls[0][1]
    assert (read.dtype, read.is_contiguous()) == (torch.float32, True)
    assert torch.equal(read, cut.float())


def test_what_is_plain_is_not_copied():
    calls = []
    volume = torch.zeros(1, 1, 8, 8, 8)
    engine(calls).context_maps(0, volume)
    assert calls[0][0].data_ptr() == volume.data_ptr()


def test_names_that_differ():
    check_names(Path("a.onnx"), "inputs", ["x", "y"], expected=("x", "y"))
    with pytest.raises(WeightsError, match=r"a.onnx has the inputs \['y', 'x'\] where its network has \['x', 'y'\]"):
        check_names(Path("a.onnx"), "inputs", ["y", "x"], expected=("x", "y"))
