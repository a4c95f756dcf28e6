import numpy as np
import pytest

from sneakynet.geometry import components
from sneakynet.geometry.components import find_components


def test_what_touches_at_a_corner_is_one_component():
    labels = np.zeros((4, 4, 4), dtype=np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 7
    labels[3, 3, 3] = 7
    labels[2, 2, 2] = 2  # between the two, of another label

    found = find_components(labels)

    assert found.label.tolist() == [2, 7, 7]
    assert found.voxels.tolist() == [1, 2, 1]
    assert found.centroid.tolist() == [[2, 2, 2], [0.5, 0.5, 0.5], [3, 3, 3]]
    assert found.low.tolist() == [[2, 2, 2], [0, 0, 0], [3, 3, 3]]
    assert found.high.tolist() == [[2, 2, 2], [1, 1, 1], [3, 3, 3]]
    assert found.edges.tolist() == [[1, 1, 1], [2, 2, 2], [1, 1, 1]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int64])
def test_labels_of_every_type(dtype):
    labels = np.zeros((2, 3, 4), dtype=dtype)
    labels[1, 1, 1:3] = np.iinfo(dtype).max if dtype != np.int64 else 65535

    found = find_components(labels)

    assert found.label.tolist() == [labels.max()]
    assert found.voxels.tolist() == [2]


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (0, 4, 5), (4, 0, 5)])
def test_no_label_gives_no_component(shape):
    found = find_components(np.zeros(shape, dtype=np.uint8))

    assert len(found) == 0
    assert list(found.masks(np.zeros(0, dtype=bool))) == []


def test_every_voxel_may_be_a_component():
    labels = np.arange(1, 13, dtype=np.uint8).reshape(2, 3, 2)

    assert find_components(labels).voxels.tolist() == [1] * 12


@pytest.mark.parametrize("planes", [2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(4))
def test_slabs_give_what_the_whole_gives(monkeypatch, planes, seed):
    labels = np.random.default_rng(seed).choice(4, p=[0.6, 0.2, 0.1, 0.1], size=(9, 5, 6)).astype(np.uint8)
    whole = find_components(labels)
    masks = [whole.mask(n) for n in range(len(whole))]
    monkeypatch.setattr(components, "_BLOCK", planes * 5 * 6)

    found = find_components(labels)

    for name in ("label", "voxels", "low", "high", "first"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    np.testing.assert_allclose(found.centroid, whole.centroid, rtol=1e-12)
    for n in range(len(found)):
        np.testing.assert_array_equal(found.mask(n), masks[n])


def test_a_snake_through_all_slabs_is_one_component(monkeypatch):
    monkeypatch.setattr(components, "_BLOCK", 2 * 3 * 9)
    labels = np.zeros((8, 3, 9), dtype=np.uint8)
    labels[:, 1, 0] = labels[7, 1, :5] = labels[:, 1, 4] = labels[0, 1, 4:] = labels[:, 1, 8] = 3

    found = find_components(labels)

    assert found.voxels.tolist() == [np.count_nonzero(labels)]
    np.testing.assert_allclose(found.centroid[0], np.argwhere(labels).mean(0))


def test_the_mask_of_a_component_leaves_out_others_in_its_box():
    labels = np.zeros((5, 5, 5), dtype=np.uint8)
    labels[0] = 1
    labels[0, 1:4, 1:4] = 0
    labels[0, 2, 2] = 1  # in the box of the ring, not of it

    found = find_components(labels)

    ring = int(found.voxels.argmax())
    assert found.mask(ring).shape == (1, 5, 5)
    assert found.mask(ring).sum() == found.voxels[ring] == 16
    assert not found.mask(ring)[0, 2, 2]
    assert found.mask(1 - ring).all()


@pytest.mark.parametrize("block", [40, 1 << 24])
def test_masks_of_some_components(monkeypatch, block):
    monkeypatch.setattr(components, "_BLOCK", block)
    labels = np.zeros((6, 4, 5), dtype=np.uint8)
    labels[0:4, 0, 0], labels[5, 3, 4], labels[2:, 2, 2] = 1, 1, 2
    found = find_components(labels)

    seen = np.zeros(labels.shape, dtype=int)
    for box, mask in found.masks(found.label == 1):
        seen[box] += mask

    np.testing.assert_array_equal(seen, labels == 1)  # each voxel once
