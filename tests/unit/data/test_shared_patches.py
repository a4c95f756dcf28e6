"""Targets around one block: where they lie, and that all are views of one space."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.nn.functional import avg_pool3d

from sneakynet.data.case import Case, class_centres
from sneakynet.data.patches import PatchGeometry
from sneakynet.data.pyramid import build_pyramid
from sneakynet.data.sampling import NO_AUGMENTATION, Augmentation, make_batch
from sneakynet.data.shared_patches import SharedDraw, Sharing, draw_shared_batch, make_shared_batch
from sneakynet.data.views import Looks

SIZE = 16
GEOMETRY = PatchGeometry(patch_size=SIZE, contexts=(1, 2))
LUT = np.array([0, 2, 1, 3])
LOOKS = Looks(SIZE, (-1000.0, 1000.0), LUT, ignore_padding=True)
WARPED = replace(NO_AUGMENTATION, mirror=0.5, warp=1.0)
MIRRORED = replace(NO_AUGMENTATION, mirror=1.0)


@pytest.fixture(scope="module")
def case():
    random = np.random.default_rng(3)
    shape = (88, 80, 96)
    scan = gaussian_filter(random.normal(0, 9000, shape), 3).clip(-1000, 1000).astype(np.float32)
    labels = np.zeros(shape, dtype=np.uint8)
    labels[20:30, 30:40, 40:50] = 1
    labels[50:60, 30:40, 40:50] = 2
    labels[40, 40, 40] = 3
    pyramid = build_pyramid(torch.from_numpy(scan), torch.from_numpy(labels), levels=(1, 2), n_classes=4)
    return Case("case", shape, pyramid, class_centres(labels, per_class=50, rng=random))


def drawn(case, sharing, *, augmentation=NO_AUGMENTATION, seed=0, blocks=2, balanced=0.5):
    return draw_shared_batch(
        [case], GEOMETRY, sharing, key=(seed,), blocks=blocks, balanced=balanced, augmentation=augmentation
    )


def at_place(volume, place, edge):
    i, j, k = place.first
    return volume[place.block, ..., i : i + edge, j : j + edge, k : k + edge]


@pytest.mark.parametrize("augmentation", [NO_AUGMENTATION, MIRRORED])
@pytest.mark.parametrize("seed", range(3))
def test_the_block_shows_each_target_at_its_place(case, augmentation, seed):
    sharing = Sharing(targets=3, region=3, levels=3)
    patches = make_shared_batch(
        [case], drawn(case, sharing, augmentation=augmentation, seed=seed), GEOMETRY, sharing, LOOKS
    )
    assert patches.images[0].shape == (6, 1, SIZE, SIZE, SIZE)
    for kappa, places in zip((1, 2), patches.places, strict=True):
        edge = SIZE // 2**kappa
        assert patches.images[kappa].shape[0] == 2
        assert [place.block for place in places] == [0, 0, 0, 1, 1, 1]
        for target, place in zip(patches.images[0], places, strict=True):
            # Beyond the scan the target repeats single voxels and the context whole cells. All levels hold whole HU.
            within = at_place(patches.labels[kappa], place, edge) != 255
            shown = at_place(patches.images[kappa], place, edge)[0][within]
            torch.testing.assert_close(shown, avg_pool3d(target, 2**kappa)[0][within], rtol=0, atol=1.1 / 1000)


def test_one_target_alone_has_its_own_contexts_as_blocks(case):
    sharing = Sharing(targets=1, region=3, levels=3)
    interior = [
        each
        for seed in range(20)
        for each in drawn(case, sharing, augmentation=Augmentation(crop=0.0), seed=seed)
        if all(16 <= first <= 56 for first in each.draw.origin)
    ][:4]
    shared = make_shared_batch([case], interior, GEOMETRY, sharing, LOOKS)
    own = make_batch(
        [case],
        [each.draw for each in interior],
        GEOMETRY,
        hu_window=LOOKS.hu_window,
        mirror_lut=LUT,
        ignore_padding=True,
    )
    for ours, theirs in zip((*shared.images, *shared.labels), (*own.images, *own.labels), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("seed", range(4))
def test_target_and_block_stay_views_of_one_deformed_space(case, seed):
    sharing = Sharing(targets=3, region=3, levels=3)
    patches = make_shared_batch([case], drawn(case, sharing, augmentation=WARPED, seed=seed), GEOMETRY, sharing, LOOKS)
    for target, place in zip(patches.images[0], patches.places[0], strict=True):
        pooled, block = avg_pool3d(target, 2).flatten(), at_place(patches.images[1], place, 8).flatten()
        if pooled.std() > 0.05:  # beyond the scan all is flat
            assert np.corrcoef(pooled.numpy(), block.numpy())[0, 1] > 0.98


def test_targets_lie_in_the_region_on_cells_of_the_deepest_level(case):
    sharing = Sharing(targets=8, region=2, levels=4)
    for each in drawn(case, sharing, augmentation=WARPED, blocks=30):
        origins = np.array(each.origins)
        assert tuple(origins[0]) == each.draw.origin
        assert np.ptp(origins, axis=0).max() < SIZE + 8 + 8
        assert ((origins - origins[0]) % 8 == 0).all()
        assert len({*each.origins}) > 1


def test_draws_depend_on_their_key_alone(case):
    sharing = Sharing(targets=3, region=2, levels=3)
    options = {"augmentation": Augmentation()}
    assert drawn(case, sharing, seed=1, **options) == drawn(case, sharing, seed=1, **options)
    assert drawn(case, sharing, seed=1, **options) != drawn(case, sharing, seed=2, **options)


@pytest.mark.parametrize("augmentation", [NO_AUGMENTATION, Augmentation(mirror=0.0, crop=0.0, warp=1.0)])
def test_balanced_targets_find_bones_through_the_deformation(case, augmentation):
    sharing = Sharing(targets=4, region=4, levels=3)
    draws = drawn(case, sharing, augmentation=augmentation, blocks=10, balanced=1.0)
    labels = make_shared_batch([case], draws, GEOMETRY, sharing, LOOKS).labels[0]
    assert ((labels > 0) & (labels < 255)).flatten(1).any(1).float().mean() > 0.9


def test_a_case_without_bones_is_drawn_from(case):
    bare = Case("bare", case.shape, case.pyramid, {})
    found = drawn(bare, Sharing(targets=3, region=2, levels=3), balanced=1.0)
    assert all(isinstance(each, SharedDraw) and len(each.origins) == 3 for each in found)
