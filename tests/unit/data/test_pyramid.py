"""Pooling by hand."""

import numpy as np
import pytest
import torch

from sneakynet.data.pyramid import build_pyramid, pad_to_multiple, pool_labels, pool_scan


def test_padding_repeats_the_last_voxels_and_moves_none():
    array = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
    padded = pad_to_multiple(array, 4)
    assert padded.shape == (4, 4, 4)
    assert (padded[:2, :3] == array).all()
    assert (padded[3, 3] == array[1, 2]).all()


def test_scan_is_averaged():
    scan = torch.arange(64.0).reshape(4, 4, 4)
    assert pool_scan(scan, 2)[0, 0, 0] == scan[:2, :2, :2].mean()
    assert pool_scan(scan, 4)[0, 0, 0] == 31.5


@pytest.mark.parametrize(
    ("cell", "majority", "bone"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 0], 0, 0),
        ([3, 3, 3, 3, 3, 3, 3, 3], 3, 3),
        ([0, 0, 0, 0, 0, 0, 0, 2], 0, 0),  # an eighth is too little
        ([0, 0, 0, 0, 0, 0, 2, 2], 0, 2),  # a quarter of bone
        ([0, 0, 0, 0, 0, 1, 2, 2], 0, 2),  # bones count together, the commonest names the cell
        ([0, 0, 0, 1, 1, 2, 2, 2], 0, 2),  # equals: the lowest id
        ([0, 1, 1, 1, 2, 2, 2, 2], 2, 2),
        ([1, 1, 1, 1, 2, 2, 2, 2], 1, 1),
        ([255, 255, 255, 255, 255, 0, 0, 0], 255, 255),
        ([255, 255, 255, 0, 0, 0, 0, 0], 0, 0),
        ([255, 255, 255, 255, 255, 255, 2, 2], 255, 2),
    ],
)
def test_votes(cell, majority, bone):
    labels = torch.tensor(cell, dtype=torch.uint8).reshape(2, 2, 2)
    assert pool_labels(labels, 2, n_classes=4) == majority
    assert pool_labels(labels, 2, n_classes=4, context_labels="bone") == bone


def test_levels_of_a_case():
    random = np.random.default_rng(0)
    scan = random.integers(-500, 1300, (9, 8, 7)).astype(np.int16)
    labels = random.integers(0, 4, scan.shape).astype(np.uint8)
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1, 2), n_classes=4)
    assert pyramid.shape == (12, 8, 8)
    assert {level: array.shape for level, array in pyramid.scan.items()} == {0: (12, 8, 8), 1: (6, 4, 4), 2: (3, 2, 2)}
    assert {level: array.dtype for level, array in pyramid.labels.items()} == dict.fromkeys((0, 1, 2), torch.uint8)
    assert pyramid.scan[2][0, 0, 0] == round(float(scan[:4, :4, :4].mean()))
    counts = np.bincount(labels[:4, :4, :4].ravel(), minlength=4)
    assert pyramid.labels[2][0, 0, 0] == counts.argmax()
