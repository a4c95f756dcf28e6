import numpy as np
import pytest
import torch

from sneakynet.inference import upsample
from sneakynet.inference.axis_samples import AxisSamples
from sneakynet.inference.linear_head import LinearHead
from sneakynet.inference.upsample import label_planes


def plain_scores(features, weight, bias, coordinates):
    """The class scores of the whole network grid, interpolated to the scan's grid. Axes k, j, i."""
    scores = features @ weight.T + bias
    for axis, (at, n) in enumerate(zip(coordinates, features.shape[:3], strict=True)):
        at = at.clamp(0, n - 1)
        low = at.floor().long().clamp(max=max(0, n - 2))
        share = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        high = (low + 1).clamp(max=n - 1)
        scores = scores.index_select(axis, low) * (1 - share) + scores.index_select(axis, high) * share
    return scores


def identity(classes):
    """Scores that are the features."""
    return LinearHead(torch.eye(classes), torch.zeros(classes))


def case(*, scale, shape=(9, 5, 7), counts=(15, 8, 12), offsets=(0.1, 0.3, -0.8)):
    """Features [k j i c], samples along k, j, i, and a head."""
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(*shape, 4, generator=generator, dtype=torch.float64)
    weight, bias = torch.randn(6, 4, generator=generator, dtype=torch.float64), torch.arange(6).double() / 10
    samples = [
        AxisSamples.along(c, scale=scale, offset=o, length=n) for c, o, n in zip(counts, offsets, shape, strict=True)
    ]
    coordinates = [torch.arange(c, dtype=torch.float64) * scale + o for c, o in zip(counts, offsets, strict=True)]
    return features, samples, LinearHead(weight, bias), plain_scores(features, weight, bias, coordinates)


@pytest.mark.parametrize("scale", [0.45, 1.0, 1.7])
def test_labels_and_confidence_equal_those_of_the_plain_method(monkeypatch, scale):
    monkeypatch.setitem(upsample.CHUNK, "cpu", 50)
    features, samples, head, scores = case(scale=scale)

    found = label_planes([features[..., :1], features[..., 1:]], head, tuple(samples[::-1]), confidence=True)

    assert found.labels.dtype == found.confidence.dtype == torch.uint8
    np.testing.assert_array_equal(found.labels, scores.argmax(dim=-1).numpy())
    # Between voxels of one winner its probability is interpolated, elsewhere that of the interpolated scores is taken.
    chance = torch.softmax(scores, dim=-1).amax(dim=-1).numpy() * 100
    assert np.median(np.abs(found.confidence.numpy() - chance)) < 1
    assert np.abs(found.confidence.numpy() - chance).max() < 12


@pytest.mark.parametrize("cuts", [(3,), (1, 2, 7), (8,)])
@pytest.mark.parametrize("scale", [0.45, 1.0, 1.7])
def test_planes_in_portions_give_the_same_labels(cuts, scale):
    features, samples, head, _ = case(scale=scale)
    whole = label_planes([features[..., :1], features[..., 1:]], head, tuple(samples[::-1])).labels
    found = np.full_like(whole, 99)

    for first, last in zip((0, *cuts), (*cuts, 8), strict=True):
        planes = range(first, last + 1)  # neighbours share a plane
        points, along_k = samples[0].within(planes)
        part = label_planes([features[first : last + 1]], head, (samples[2], samples[1], along_k))
        found[points.start : points.stop] = part.labels

    np.testing.assert_array_equal(found, whole)


def test_only_points_between_different_winners_are_interpolated():
    features = torch.zeros(10, 10, 10, 2)
    features[:5, ..., 0] = 1
    features[5:, ..., 1] = 1
    headed = []

    class Counting(LinearHead):
        def __call__(self, features):
            headed.append(len(features[0]))
            return super().__call__(features)

    samples = tuple(AxisSamples.along(20, scale=0.5, offset=-0.25, length=10) for _ in range(3))
    head = Counting(torch.eye(2), torch.zeros(2))
    labels = label_planes([features[..., :1], features[..., 1:]], head, samples).labels

    # Four of the planes along i are background for certain, the fifth shares its blocks with another class.
    assert headed == [10**3 - 4 * 10 * 10, 2 * 20 * 20]
    assert (labels[:10] == 0).all()
    assert (labels[10:] == 1).all()


def test_voxels_of_the_network_s_own_grid_are_headed_once():
    features, headed = torch.randn(6, 5, 4, 3), []

    class Counting(LinearHead):
        def __call__(self, features):
            headed.append(len(features[0]))
            return super().__call__(features)

    samples = tuple(AxisSamples.along(n, scale=1.0, offset=0.0, length=n) for n in (4, 5, 6))
    head = Counting(torch.eye(3), torch.zeros(3))
    labels = label_planes([features[..., :1], features[..., 1:]], head, samples).labels

    assert headed == [6 * 5 * 4]
    np.testing.assert_array_equal(labels, features.argmax(dim=-1).numpy())


def test_a_grid_of_one_voxel():
    samples = tuple(AxisSamples.along(3, scale=0.3, offset=-0.3, length=1) for _ in range(3))

    found = label_planes(
        [torch.tensor([[[[0.0, 2.0, 1.0]]]])],
        LinearHead(torch.eye(3), torch.zeros(3)),
        samples,
        confidence=True,
    )

    assert (found.labels == np.ones((3, 3, 3))).all()
    assert (found.confidence == round(100 * float(torch.softmax(torch.tensor([0.0, 2.0, 1.0]), 0)[1]))).all()


def test_more_than_256_classes_need_more_than_a_byte():
    samples = tuple(AxisSamples.along(2, scale=1.0, offset=0.0, length=2) for _ in range(3))

    labels = label_planes(
        [torch.eye(300)[[299] * 8].reshape(2, 2, 2, 300)],
        LinearHead(torch.eye(300), torch.zeros(300)),
        samples,
    ).labels

    assert labels.dtype == torch.int32
    assert (labels == 299).all()
