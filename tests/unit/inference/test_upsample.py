import numpy as np
import pytest
import torch

from sneakynet.inference import upsample
from sneakynet.inference.blend import Slab
from sneakynet.inference.upsample import AxisSamples, labels_from_slabs


def plain_labels(features, weight, bias, coordinates):
    """The class scores of the whole network grid, interpolated to the scan's grid, then the winner."""
    scores = features @ weight.T + bias
    for axis, (at, n) in enumerate(zip(coordinates, features.shape[:3], strict=True)):
        at = at.clamp(0, n - 1)
        low = at.floor().long().clamp(max=max(0, n - 2))
        share = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        high = (low + 1).clamp(max=n - 1)
        scores = scores.index_select(axis, low) * (1 - share) + scores.index_select(axis, high) * share
    return scores.argmax(dim=-1).numpy()


@pytest.mark.parametrize("cuts", [(), (3,), (1, 2, 7)])
@pytest.mark.parametrize("scale", [0.45, 1.0, 1.7])
def test_labels_equal_those_of_the_plain_method(monkeypatch, cuts, scale):
    monkeypatch.setattr(upsample, "CHUNK", 50)
    monkeypatch.setattr(upsample, "BLOCK", 200)
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(7, 5, 9, 4, generator=generator, dtype=torch.float64)
    weight, bias = torch.randn(6, 4, generator=generator, dtype=torch.float64), torch.arange(6) / 10
    counts, offsets = (12, 8, 15), (-0.8, 0.3, 0.1)
    samples = tuple(
        AxisSamples.along(c, scale=scale, offset=o, length=n)
        for c, o, n in zip(counts, offsets, features.shape[:3], strict=True)
    )
    slabs = [
        Slab(start=a, features=features[:, :, a:b].contiguous()) for a, b in zip((0, *cuts), (*cuts, 9), strict=True)
    ]

    labels = labels_from_slabs(slabs, lambda f: f.double() @ weight.T + bias, samples, n_classes=6)

    coordinates = [torch.arange(c, dtype=torch.float64) * scale + o for c, o in zip(counts, offsets, strict=True)]
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, plain_labels(features, weight, bias, coordinates))


def test_only_points_between_different_winners_are_interpolated():
    features = torch.zeros(10, 10, 10, 2)
    features[:5, ..., 0] = 1
    features[5:, ..., 1] = 1
    headed = []

    def head(rows):
        headed.append(len(rows))
        return rows

    samples = tuple(AxisSamples.along(20, scale=0.5, offset=-0.25, length=10) for _ in range(3))
    labels = labels_from_slabs([Slab(0, features)], head, samples, n_classes=2)

    assert headed == [10**3, 2 * 20 * 20]
    assert (labels[:10] == 0).all()
    assert (labels[10:] == 1).all()


def test_a_grid_of_one_voxel():
    samples = tuple(AxisSamples.along(3, scale=0.3, offset=-0.3, length=1) for _ in range(3))

    labels = labels_from_slabs([Slab(0, torch.tensor([[[[0.0, 2.0, 1.0]]]]))], lambda f: f, samples, n_classes=3)

    assert (labels == np.ones((3, 3, 3))).all()


def test_more_than_256_classes_need_16_bits():
    samples = tuple(AxisSamples.along(2, scale=1.0, offset=0.0, length=2) for _ in range(3))

    labels = labels_from_slabs(
        [Slab(0, torch.eye(300)[[299] * 8].reshape(2, 2, 2, 300))], lambda f: f, samples, n_classes=300
    )

    assert labels.dtype == np.uint16
    assert (labels == 299).all()
