"""Concentric patches: where they lie, and what the draws may do to them."""

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool3d

from sneakynet.anatomy.ignored import ignored
from sneakynet.data.case import Case, class_centres
from sneakynet.data.draw import Draw
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import (
    Augmentation,
    draw_batch,
    make_batch,
)

WINDOW = (-1000.0, 1000.0)
GEOMETRY = PatchGeometry(patch_size=8, contexts=(1, 2))


@pytest.fixture
def case():
    random = np.random.default_rng(3)
    shape = (20, 18, 30)
    scan = random.integers(-1000, 1000, shape).astype(np.int16)
    labels = np.zeros(shape, dtype=np.uint8)
    labels[2:6, 3:7, 4:8] = 1
    labels[12:16, 3:7, 20:24] = 2
    labels[9, 9, 9] = 3
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1, 2), n_classes=4)
    centres = class_centres(labels, per_class=10, rng=random)
    return Case(name="case", shape=shape, pyramid=pyramid, centres=centres)


def whole(case):
    i, j, k = case.pyramid.shape
    return (0, i), (0, j), (0, k)


def plain(case, origin, **changes):
    return Draw(case=0, origin=origin, inside=whole(case), **changes)


def one(case, draw, geometry, **settings):
    return make_batch([case], [draw], geometry, **settings)


@pytest.mark.parametrize("kappa", [1, 2])
def test_centre_of_a_context_is_the_pooled_target(case, kappa):
    patches = one(case, plain(case, (4, 4, 8)), GEOMETRY, hu_window=WINDOW)
    target, context = patches.images[0], patches.images[kappa]
    edge = 8 // 2**kappa
    start = (8 - edge) // 2
    centre = context[..., start : start + edge, start : start + edge, start : start + edge]
    # Pooled levels are stored as whole HU.
    torch.testing.assert_close(centre, avg_pool3d(target, 2**kappa), rtol=0, atol=0.51 * 2 / 2000)


def test_intensity_is_scaled_to_the_window(case):
    patches = one(case, plain(case, (4, 4, 8)), GEOMETRY, hu_window=(-500.0, 1500.0))
    expected = np.clip((case.pyramid.scan[0][4:12, 4:12, 8:16].numpy().astype(float) - 500) / 1000, -1, 1)
    np.testing.assert_allclose(patches.images[0][0, 0].numpy(), expected, atol=1e-6)


def test_mirror_flips_every_patch_and_swaps_the_labels(case):
    lut = np.array([0, 2, 1, 3])
    seen = one(case, plain(case, (0, 0, 4)), GEOMETRY, hu_window=WINDOW)
    mirrored = one(case, plain(case, (0, 0, 4), mirror=True), GEOMETRY, hu_window=WINDOW, mirror_lut=lut)
    for level in range(3):
        assert torch.equal(mirrored.images[level], seen.images[level].flip(2))
        assert torch.equal(mirrored.labels[level], torch.from_numpy(lut)[seen.labels[level].long()].flip(1).byte())
    assert (mirrored.labels[0] == 2).sum() == (seen.labels[0] == 1).sum() > 0


def test_draws_depend_on_their_key_alone(case):
    def draw(*key):
        return draw_batch([case], GEOMETRY, key=key, batch_size=3, balanced=0.5, augmentation=Augmentation())

    assert draw(1, 2) == draw(1, 2)
    assert draw(1, 2) != draw(1, 3)
    first = make_batch([case], draw(1, 2), GEOMETRY, hu_window=WINDOW, mirror_lut=np.array([0, 2, 1, 3]))
    second = make_batch([case], draw(1, 2), GEOMETRY, hu_window=WINDOW, mirror_lut=np.array([0, 2, 1, 3]))
    assert all(torch.equal(a, b) for a, b in zip(first.images, second.images, strict=True))
    assert [tuple(image.shape) for image in first.images] == [(3, 1, 8, 8, 8)] * 3


def test_balanced_draws_find_the_rare_bone(case):
    draws = draw_batch(
        [case], GEOMETRY, key=(0,), batch_size=200, balanced=1.0, augmentation=Augmentation(mirror=0.0, crop=1.0)
    )
    batch = make_batch([case], draws, GEOMETRY, hu_window=WINDOW)
    holds_rare = (batch.labels[0] == 3).flatten(1).any(1)  # one voxel of 10,800
    assert 40 < int(holds_rare.sum()) < 140
    assert all(origin % 4 == 0 for draw in draws for origin in draw.origin)
    assert all(0 <= first < last for draw in draws for first, last in draw.inside)


def test_uniform_draws_reach_the_border(case):
    draws = draw_batch([case], GEOMETRY, key=(0,), batch_size=300, balanced=0.0, augmentation=Augmentation(crop=0.0))
    origins = np.array([draw.origin for draw in draws])
    assert (origins.min(0) == -4).all()
    assert origins.max(0).tolist() == [16, 16, 28]
    assert all(draw.inside == whole(case) for draw in draws)


@pytest.mark.parametrize("mirror", [False, True])
def test_padding_is_marked_and_nothing_else(case, mirror):
    draw = plain(case, (-8, 4, 12), mirror=mirror)
    lut = np.array([0, 2, 1, 3])
    counted = one(case, draw, GEOMETRY, hu_window=WINDOW, mirror_lut=lut)
    marked = one(case, draw, GEOMETRY, hu_window=WINDOW, mirror_lut=lut, ignore_padding=True)
    for kappa, before, after in zip((0, 1, 2), counted.labels, marked.labels, strict=True):
        first = GEOMETRY.context_origin(draw.origin, kappa)
        at = [np.arange(o, o + 8) for o in first]
        size = case.pyramid.scan[kappa].shape
        valid = [(a >= 0) & (a < n) for a, n in zip(at, size, strict=True)]
        valid[0] = valid[0][::-1] if mirror else valid[0]
        i, j, k = valid
        inside = torch.from_numpy(i[:, None, None] & j[:, None] & k)[None]
        assert (after[inside] == before[inside]).all()
        assert (after[~inside] == ignored(np.dtype(np.uint8))).all()
        assert bool(inside.any()) == (kappa > 0)  # the target of this draw lies wholly outside


def test_gamma_bends_intensity_within_the_window_alone(case):
    straight = one(case, plain(case, (0, 0, 4)), GEOMETRY, hu_window=WINDOW).images
    bent = one(case, plain(case, (0, 0, 4), gamma=2.0), GEOMETRY, hu_window=WINDOW).images
    for before, after in zip(straight, bent, strict=True):
        torch.testing.assert_close(after, ((before + 1) / 2) ** 2 * 2 - 1)


def test_what_softens_the_target_softens_contexts_by_their_own_cells(case):
    sharp = one(case, plain(case, (0, 0, 4)), GEOMETRY, hu_window=WINDOW).images
    blurred = one(case, plain(case, (0, 0, 4), blur=0.5), GEOMETRY, hu_window=WINDOW).images
    thick = one(case, plain(case, (0, 0, 4), coarse=(1.0, 1.0, 3.0)), GEOMETRY, hu_window=WINDOW).images
    changed = [[not torch.equal(a, b) for a, b in zip(sharp, soft, strict=True)] for soft in (blurred, thick)]
    # 0.5 voxels are a quarter of a cell of 2 voxels, three voxels one and a half.
    assert changed == [[True, False, False], [True, True, False]]


def test_softness_is_drawn_as_often_as_asked_for(case):
    augmentation = Augmentation(gamma=0.5, blur=0.0, coarse=1.0)
    draws = draw_batch([case], GEOMETRY, key=(3,), batch_size=200, balanced=0.0, augmentation=augmentation)
    assert 70 < sum(draw.gamma != 1 for draw in draws) < 130
    assert all(draw.blur == 0 for draw in draws)
    assert all(sum(edge > 1 for edge in draw.coarse) == 1 for draw in draws)
    assert all(0.7 <= draw.gamma <= 1.5 and max(draw.coarse) <= 3 for draw in draws)
