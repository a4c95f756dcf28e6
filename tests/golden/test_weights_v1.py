"""Weights format 1 is read for ever, and the network in such a file goes on giving the same numbers.

``weights_v1.safetensors`` holds a tiny variant E (3 levels, width 2, contexts 1 and 2, batch normalisation with
running statistics, float16) with random weights, written by the first release. It is never written again.
"""

from pathlib import Path

import pytest
import torch

from sneakynet.models.weights import load_weights

FILE = Path(__file__).with_name("weights_v1.safetensors")

# Of the network in the file, computed in float64.
SCORES_AT_A_VOXEL = [-0.743757, -0.324340, 0.725938, 1.992182]
MEAN_OF_EACH_CONTEXT = [0.373527, -0.044431]
VOXELS_OF_CLASSES_2_AND_3 = [88, 4008]


def wave(phase):
    """A patch that any machine makes alike."""
    return torch.sin(torch.arange(16**3, dtype=torch.float64) * 0.37 + phase).float().reshape(1, 1, 16, 16, 16)


@pytest.fixture(scope="module")
def read():
    return load_weights(FILE)


def test_the_header(read):
    model, header = read
    assert header.format_version == 1
    assert header.spacing == (4.0, 4.0, 4.0)
    assert header.hu_window == (-200.0, 1500.0)
    assert header.table.names == ("hip_left", "hip_right", "sacrum")
    assert header.table["hip_left"].mirror == "hip_right"
    assert header.table["sacrum"].aliases == {"totalsegmentator": ("25", "sacrum")}
    assert header.provenance == {"made_for": "test_weights_v1.py", "steps": 0}
    assert header.architecture == model.architecture.to_dict()
    assert header.architecture == {
        "variant": "E",
        "n_classes": 4,
        "patch_size": 16,
        "contexts": [1, 2],
        "width": 2,
        "levels": 3,
        "norm": "batch",
        "hook_source": "encoder",
    }


def test_the_numbers(read):
    model, _ = read
    with torch.no_grad():
        output = model(wave(0.0), [wave(1.0), wave(2.0)])
    assert output.target[0, :, 3, 8, 12].tolist() == pytest.approx(SCORES_AT_A_VOXEL, abs=1e-4)
    assert [scores.mean().item() for scores in output.contexts] == pytest.approx(MEAN_OF_EACH_CONTEXT, abs=1e-4)
    assert output.target.argmax(dim=1).flatten().bincount()[2:].tolist() == VOXELS_OF_CLASSES_2_AND_3
