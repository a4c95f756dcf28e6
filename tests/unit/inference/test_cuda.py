"""Inference on a GPU against the same on the processor."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sneakynet.anatomy.bone import Bone, BoneTable
from sneakynet.inference.predictor import Predictor
from sneakynet.models.builders import build_sneakynet
from sneakynet.models.weights import WeightsHeader
from sneakynet.volumes.volume import Volume

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this is about GPUs")

SPACING = 4.0
TABLE = BoneTable(
    (
        Bone(id=1, name="bone_left", side="left", mirror="bone_right"),
        Bone(id=2, name="bone_right", side="right", mirror="bone_left"),
        *(Bone(id=n, name=f"bone_{n}") for n in range(3, 12)),
    )
)
NETWORKS = [
    {"variant": "A", "contexts": (), "norm": "batch"},
    {"variant": "D", "contexts": (1, 2), "norm": "instance"},
    {"variant": "D", "contexts": (1,), "norm": "batch"},
    {"variant": "E", "contexts": (1, 2), "norm": "batch", "hook_source": "decoder"},
    {"variant": "E", "contexts": (1,), "norm": "instance"},
]


def network(**architecture):
    torch.manual_seed(1)
    made = build_sneakynet(n_classes=TABLE.n_classes, patch_size=16, width=8, levels=3, **architecture)
    for unet in (made.target, *made.contexts):
        torch.nn.init.normal_(unet.head.weight)  # so that many classes win somewhere
        torch.nn.init.zeros_(unet.head.bias)
    return made


def predictor(made, *, device, precision="f32"):
    header = WeightsHeader(
        architecture=made.architecture.to_dict(), spacing=(SPACING,) * 3, hu_window=(-1000.0, 1000.0), table=TABLE
    )
    return Predictor(made, header, name="tiny", device=device, precision=precision, overlap=0.5)


def scan(shape=(46, 40, 52)):
    """Cubes of one intensity, so that labels are not decided by rounding."""
    voxels = np.random.default_rng(0).integers(-1000, 1000, size=[-(-edge // 4) for edge in shape])
    for axis in range(3):
        voxels = voxels.repeat(4, axis)
    return Volume(voxels[tuple(map(slice, shape))].astype(np.int16), np.diag([SPACING / 2] * 3 + [1.0]))


def agreement(one, other):
    return float((one.labels.voxels == other.labels.voxels).mean())


@pytest.mark.parametrize("architecture", NETWORKS)
def test_float32_gives_the_labels_of_the_processor(architecture):
    made = network(**architecture)

    on_gpu, on_cpu = (predictor(made, device=device).segment(scan(), confidence=True) for device in ("cuda", "cpu"))

    assert len(np.unique(on_cpu.labels.voxels)) > 3
    assert agreement(on_gpu, on_cpu) > 0.9999
    apart = np.abs(on_gpu.confidence.voxels.astype(int) - on_cpu.confidence.voxels)
    assert (apart <= 1).mean() > 0.9999


@pytest.mark.parametrize(("precision", "least"), [("bf16", 0.9), ("f16", 0.98)])
@pytest.mark.parametrize("architecture", NETWORKS)
def test_half_precision_changes_few_labels(architecture, precision, least):
    made = network(**architecture)

    half = predictor(made, device="cuda", precision=precision).segment(scan())

    assert half.model["precision"] == precision
    assert agreement(half, predictor(made, device="cpu").segment(scan())) > least


def test_the_same_labels_scan_after_scan():
    made = network(**NETWORKS[1])
    one = predictor(made, device="cuda")

    first, second, other, again = (one.segment(each) for each in (scan(), scan(), scan((30, 60, 40)), scan()))

    assert agreement(first, second) == agreement(first, again) == 1
    assert agreement(other, predictor(made, device="cpu").segment(scan((30, 60, 40)))) > 0.9999


def test_mirrored_too():
    made = network(**NETWORKS[3])

    on_gpu, on_cpu = (predictor(made, device=device).segment(scan(), mirror=True) for device in ("cuda", "cpu"))

    assert agreement(on_gpu, on_cpu) > 0.9999


def test_strips_under_a_limit_give_the_same_labels():
    made = network(**NETWORKS[0])
    big = scan((40, 300, 160))
    free, tight = [], []
    whole = predictor(made, device="cuda").segment(big, planned=free.append)

    bound = predictor(made, device="cuda")
    limited = bound.segment(big, planned=tight.append, memory_limit=free[0].peak - 1)

    assert tight[0].strips > 1
    assert agreement(whole, limited) == 1


def test_a_scan_of_a_single_voxel():
    made = network(**NETWORKS[3])
    one = replace(scan(), voxels=np.full((1, 1, 1), 300, np.int16))

    assert agreement(predictor(made, device="cuda").segment(one), predictor(made, device="cpu").segment(one)) == 1
