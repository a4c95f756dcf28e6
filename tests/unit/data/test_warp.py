"""One deformation for the target and its contexts."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.warp import Warp, WarpedViews, draw_warp

EDGE, WIDEST = 16, 64
CENTRE = (31.5, 31.5, 31.5)
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@pytest.fixture(scope="module")
def pyramid():
    random = np.random.default_rng(0)
    scan = gaussian_filter(random.normal(0, 3000, (64, 64, 64)), 3).astype(np.float32)
    labels = (scan > 0).astype(np.uint8)
    return build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1, 2), n_classes=2)


def view(pyramid, warp, kappa, *, centre=CENTRE, ignore=None):
    size = pyramid.scan[kappa].shape
    views = WarpedViews([warp, warp], [CENTRE, centre], widest=[WIDEST] * 2, device=torch.device("cpu"))
    inside = ((0, size[0]), (0, size[1]), (0, size[2]))
    images, labels = views.at(
        [pyramid.scan[kappa]] * 2,
        [pyramid.labels[kappa]] * 2,
        shape=(EDGE,) * 3,
        scale=2**kappa,
        shifts=np.zeros((2, 3)),
        inside=[inside] * 2,
        ignore=ignore,
    )
    return images[1], labels[1]


@pytest.mark.parametrize("kappa", [0, 1, 2])
def test_no_deformation_is_a_slice(pyramid, kappa):
    image, label = view(pyramid, Warp(IDENTITY, 0.0, 0), kappa)
    start = (64 // 2**kappa - EDGE) // 2
    inner = (slice(start, start + EDGE),) * 3
    torch.testing.assert_close(image, pyramid.scan[kappa][inner].float(), atol=0.02, rtol=1e-4)
    assert torch.equal(label, pyramid.labels[kappa][inner])


@pytest.mark.parametrize("seed", range(4))
def test_target_and_contexts_stay_concentric_views_of_one_space(pyramid, seed):
    warp = draw_warp(np.random.default_rng(seed))
    target, _ = view(pyramid, warp, 0)
    context, _ = view(pyramid, warp, 1)
    centre = context[4:12, 4:12, 4:12]
    pooled = torch.nn.functional.avg_pool3d(target[None, None], 2)[0, 0]
    # Pooling and bending do not commute exactly; a view displaced by one voxel correlates clearly less.
    agreement = np.corrcoef(centre.flatten().numpy(), pooled.flatten().numpy())[0, 1]
    assert agreement > 0.99
    shifted = np.corrcoef(context[5:13, 4:12, 4:12].flatten().numpy(), pooled.flatten().numpy())[0, 1]
    assert shifted < agreement - 0.03


def test_labels_move_with_the_image(pyramid):
    image, label = view(pyramid, draw_warp(np.random.default_rng(1)), 0)
    assert ((image > 0) == (label > 0)).float().mean() > 0.95


def test_beyond_the_scan_the_edge_goes_on_and_is_marked(pyramid):
    image, label = view(pyramid, Warp(IDENTITY, 0.0, 0), 0, centre=(-4.5, 31.5, 31.5), ignore=255)
    assert (label[:12] == 255).all()
    assert (label[12:] != 255).all()
    torch.testing.assert_close(image[0], image[11])


def test_a_turn_turns(pyramid):
    quarter = Warp(((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), 0.0, 0)
    plain, _ = view(pyramid, Warp(IDENTITY, 0.0, 0), 0)
    turned, _ = view(pyramid, quarter, 0)
    # Offset (u, v) of the patch reads offset (-v, u) of the scan.
    torch.testing.assert_close(turned, plain.flip(0).transpose(0, 1), atol=0.05, rtol=1e-3)


def test_draws_stay_within_their_limits():
    for seed in range(50):
        warp = draw_warp(np.random.default_rng(seed))
        assert 0.4 < np.linalg.det(np.array(warp.matrix)) < 2.4
        assert draw_warp(np.random.default_rng(seed)) == warp
