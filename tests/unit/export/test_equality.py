import copy
import math

import pytest
import torch

from sneakynet.export.equality import body, compare, noise, volumes
from sneakynet.inference.engine import TorchEngine
from sneakynet.models.builders import build_sneakynet


def network(variant="D", contexts=(1,), **options):
    torch.manual_seed(0)
    options = {"n_classes": 3, "patch_size": 8, "width": 2, "levels": 2, "norm": "batch", **options}
    return build_sneakynet(variant=variant, contexts=contexts, **options)


def engine(net):
    return TorchEngine(net, device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize(
    ("variant", "contexts", "levels", "runs"), [("A", (), 2, 2), ("D", (1,), 2, 6), ("E", (1,), 2, 6)]
)
def test_a_network_is_equal_to_itself(variant, contexts, levels, runs):
    net = network(variant, contexts, levels=levels)
    comparison = compare(engine(net), engine(copy.deepcopy(net)))
    assert (comparison.runs, comparison.deviation) == (runs, 0)


@pytest.mark.parametrize("part", ["target", "contexts"])
def test_a_weight_that_differs_is_found_in_every_part(part):
    net = network()
    other = copy.deepcopy(net)
    unet = other.target if part == "target" else other.contexts[0]
    with torch.no_grad():
        unet.encoder.blocks[0].layers[0].weight[0, 0, 1, 1, 1] += 0.1
    assert compare(engine(other), engine(net)).deviation > 1e-3


def test_the_deviation_is_a_share_of_the_largest_value():
    net = network("A", ())
    louder = engine(copy.deepcopy(net))
    features = louder.target_features
    louder.target_features = lambda target, crossed: 1.25 * features(target, crossed)
    assert compare(louder, engine(net)).deviation == pytest.approx(0.25)


def test_values_that_are_not_finite_are_no_equality():
    net = network("A", ())
    broken = engine(copy.deepcopy(net))
    features = broken.target_features
    broken.target_features = lambda target, crossed: features(target, crossed).fill_(math.nan)
    assert math.isnan(compare(broken, engine(net)).deviation)


def test_volumes_fit_the_context():
    architecture = network("D", (1, 2), levels=4, patch_size=16).architecture
    for edges in volumes(architecture, 1):
        assert len({*edges}) == 3
        assert all(edge % 8 == 0 for edge in edges)


def test_inputs_are_those_of_a_network():
    patch = body(2, (16, 16, 24))
    assert patch.shape == (2, 1, 16, 16, 24)
    assert (patch.min(), patch.max()) >= (-1, 0.3)
    assert patch.max() <= 1
    assert torch.equal(patch, body(2, (16, 16, 24)))
    assert not torch.equal(patch[0], patch[1])
    assert noise(1, (8, 8, 8)).std() == pytest.approx(1, abs=0.1)
