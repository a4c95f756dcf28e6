import numpy as np
import pytest
import torch

from sneakynet.data.patches import PatchGeometry
from sneakynet.inference.scan_pyramid import ScanPyramid


def build(scan, *, contexts=(1,), hu_window=(-1000.0, 1000.0)):
    return ScanPyramid.build(scan, PatchGeometry(patch_size=8, contexts=contexts), hu_window=hu_window)


def test_intensities_are_clipped_to_the_window_and_scaled():
    scan = np.array([-2000, -1000, -500, 0, 1000, 3000], dtype=np.int16).reshape(6, 1, 1)

    pyramid = build(scan, contexts=())

    assert pyramid.levels[0][:, 0, 0].tolist() == [-1, -1, -0.5, 0, 1, 1]


def test_contexts_are_pooled_after_padding_with_edge_values():
    scan = np.zeros((3, 2, 2), dtype=np.int16)
    scan[2] = 500

    pyramid = build(scan)

    assert pyramid.shape == (3, 2, 2)
    assert pyramid.levels[1][:, 0, 0].tolist() == [0, 0.5]


def test_patches_are_concentric():
    generator = np.random.default_rng(3)
    scan = generator.integers(-1000, 1000, size=(32, 32, 32)).astype(np.int16)

    pyramid, origins = build(scan), [(12, 8, 16), (12, 8, 16)]

    target, context = pyramid.patches(origins), pyramid.patches(origins, 1)

    assert target.shape == context.shape == (2, 1, 8, 8, 8)
    torch.testing.assert_close(target[0, 0], torch.from_numpy(scan[12:20, 8:16, 16:24] / 1000).float())
    # The centre half of the context covers the target.
    inner = context[1, 0, 2:6, 2:6, 2:6].repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2)
    pooled = torch.nn.functional.avg_pool3d(target[1], 2)
    torch.testing.assert_close(inner[::2, ::2, ::2], pooled[0])


def test_beyond_the_scan_its_edge_goes_on():
    scan = np.zeros((8, 8, 8), dtype=np.int16)
    scan[0], scan[-1] = -1000, 1000

    target = build(scan, contexts=()).patches([(-4, 0, 0)])

    assert target[0, 0, :, 3, 3].tolist() == pytest.approx([-1, -1, -1, -1, -1, 0, 0, 0])


def test_mirrored_patches_are_the_patches_mirrored():
    scan = np.random.default_rng(3).integers(-1000, 1000, size=(31, 16, 16)).astype(np.int16)
    pyramid = build(scan)

    mirrored = pyramid.mirrored()

    assert mirrored.shape == (32, 16, 16)
    for kappa in (0, 1):
        torch.testing.assert_close(
            mirrored.patches([(32 - 8 - 12, 4, 4)], kappa), pyramid.patches([(12, 4, 4)], kappa).flip(2)
        )


def test_the_scan_given_stays_as_it_was():
    scan = np.random.default_rng(3).normal(0, 900, (20, 7, 5)).astype(np.float32)
    before = scan.copy()

    build(scan)

    np.testing.assert_array_equal(scan, before)
