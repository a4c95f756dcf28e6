import pytest
import torch

from sneakynet.models.builders import build_sneakynet
from sneakynet.models.crop_skip import centre_crop
from sneakynet.models.parts import (
    MapShape,
    context_outputs,
    edge_unit,
    head_channels,
    maps_read,
    target_inputs,
    target_output,
)

NETWORKS = [
    ("A", (), "encoder"),
    ("B", (1,), "encoder"),
    ("C", (1, 2), "encoder"),
    ("D", (1, 2, 3), "encoder"),
    ("D", (2,), "decoder"),
    ("E", (1,), "encoder"),
    ("E", (1, 3), "decoder"),
    ("E", (1, 2), "both"),
]


def small(variant, contexts, hook_source):
    torch.manual_seed(0)
    return build_sneakynet(
        variant=variant,
        n_classes=3,
        patch_size=16,
        contexts=contexts,
        width=2,
        levels=4,
        norm="batch",
        hook_source=hook_source,
    ).eval()


@pytest.mark.parametrize(("variant", "contexts", "hook_source"), NETWORKS)
@torch.inference_mode()
def test_what_is_said_of_the_maps_is_what_the_network_computes(variant, contexts, hook_source):
    network = small(variant, contexts, hook_source)
    architecture = network.architecture
    inputs = target_inputs(architecture)
    assert inputs[0] == MapShape("target", channels=1, level=0)
    crossed = []
    for context in range(len(contexts)):
        volume = torch.zeros(2, 1, 16, 16, 16)
        maps = network.read_maps(context, volume)
        assert [tuple(m.shape) for m in maps] == [
            shape.shape(2, (16, 16, 16)) for shape in maps_read(architecture, context)
        ]
        links = [link for link in network.crop_skips if link.context == context]
        crossed += [centre_crop(m, kappa=link.kappa) for m, link in zip(maps, links, strict=False)]
    assert [tuple(c.shape) for c in crossed] == [shape.shape(2, (16, 16, 16)) for shape in inputs[1:]]
    features = network.fuse(torch.zeros(2, 1, 16, 16, 16), crossed)
    assert tuple(features.shape) == target_output(architecture).shape(2, (16, 16, 16))
    assert network.target_head()[0].shape[1] == head_channels(architecture)


@pytest.mark.parametrize(("variant", "contexts", "hook_source"), NETWORKS)
@torch.inference_mode()
def test_volumes_of_the_smallest_unit_fit(variant, contexts, hook_source):
    network = small(variant, contexts, hook_source)
    for context in range(len(contexts)):
        unit = edge_unit(network.architecture, context)
        volume = torch.zeros(1, 1, unit, 2 * unit, 3 * unit)
        shapes = maps_read(network.architecture, context)
        assert [tuple(m.shape) for m in network.read_maps(context, volume)] == [
            shape.shape(1, volume.shape[2:]) for shape in shapes
        ]


def test_names():
    architecture = small("E", (1, 3), "decoder").architecture
    assert [shape.name for shape in target_inputs(architecture)] == [
        "target",
        "context_1_decoder_0",
        "context_1_decoder_1",
        "context_1_decoder_2",
        "context_2_decoder_0",
    ]


def test_a_map_that_is_read_twice_is_given_once():
    architecture = small("E", (1,), "decoder").architecture
    names = ["decoder_0", "decoder_1", "decoder_2"]
    assert [shape.name for shape in context_outputs(architecture, 0)] == names
    assert [shape.name for shape in maps_read(architecture, 0)] == [*names, "decoder_0"]


def test_encoder_hooks_beside_the_map_that_is_scored():
    architecture = small("E", (2,), "encoder").architecture
    assert [shape.name for shape in context_outputs(architecture, 0)] == ["encoder_0", "encoder_1", "decoder_0"]
