import itertools

import pytest
import torch

from sneakynet.inference.blend import Slab, blend
from sneakynet.inference.tiles import gaussian, plan_tiles

CPU = torch.device("cpu")


def test_one_tile_is_given_back_as_it_is():
    tile = torch.arange(2 * 4**3, dtype=torch.float32).reshape(1, 2, 4, 4, 4)

    (slab,) = kept(blend(plan_tiles((4, 4, 4), patch_size=4), lambda origins: tile, channels=tile.shape[1], device=CPU))

    assert slab.start == 0
    assert torch.equal(slab.features, tile[0].permute(3, 2, 1, 0))


def test_two_tiles_mix_by_their_gaussians():
    plan = plan_tiles((12, 8, 8), patch_size=8)
    assert plan.origins[0] == (0, 4)

    (slab,) = kept(
        blend(plan, lambda origins: torch.full((1, 1, 8, 8, 8), float(origins[0][0])), channels=1, device=CPU)
    )

    bell = gaussian(8)
    expected = [0, 0, 0, 0, *(4 * bell[i - 4] / (bell[i] + bell[i - 4]) for i in range(4, 8)), 4, 4, 4, 4]
    assert slab.features[5, 3, :, 0].tolist() == pytest.approx([float(e) for e in expected], rel=1e-6)


def test_slabs_leave_as_soon_as_no_later_tile_touches_them():
    plan = plan_tiles((8, 8, 21), patch_size=8)
    seen = []

    for slab in blend(plan, lambda origins: torch.zeros(len(origins), 3, 8, 8, 8), channels=3, device=CPU):
        seen.append((slab.start, slab.stop))
        assert slab.features.shape == (slab.stop - slab.start, 8, 8, 3)

    # Each but the first begins with the last plane of the one before.
    assert seen == [(0, 4), (3, 8), (7, 12), (11, 13), (12, 21)]


def test_batches_change_nothing():
    plan = plan_tiles((19, 13, 17), patch_size=8, grid=2)

    def features_at(origins):
        return torch.stack([torch.rand(2, 8, 8, 8, generator=torch.Generator().manual_seed(hash(o))) for o in origins])

    def blended(n):
        return joined(blend(plan, features_at, channels=2, device=CPU, batch_size=n))

    whole = {n: blended(n) for n in (1, 5)}

    assert whole[1].shape == (17, 13, 19, 2)
    assert torch.equal(whole[1], whole[5])


def test_a_slab_begins_with_the_last_plane_of_the_one_before():
    plan = plan_tiles((9, 8, 30), patch_size=8)
    source = torch.rand(8, 8, 8)

    slabs = [
        slab.features.clone()
        for slab in blend(plan, lambda origins: source[None, None] * (1 + origins[0][2]), channels=1, device=CPU)
    ]

    for before, after in itertools.pairwise(slabs):
        assert torch.equal(before[-1], after[0])


def test_a_strip_of_rows_is_blended_as_in_the_whole():
    plan = plan_tiles((10, 31, 19), patch_size=8, grid=2)
    ran = []

    def features_at(origins):
        ran.extend(origins)
        return torch.stack([torch.rand(2, 8, 8, 8, generator=torch.Generator().manual_seed(hash(o))) for o in origins])

    whole = joined(blend(plan, features_at, channels=2, device=CPU))
    ran.clear()
    strip = joined(blend(plan, features_at, channels=2, device=CPU, rows=range(9, 17)))

    assert torch.equal(strip, whole[:, 9:17])
    assert {j for _, j, _ in ran} == {j for j in plan.origins[1] if j < 17 and j + 8 > 9}


def test_skipped_tiles_leave_their_share_empty():
    plan = plan_tiles((12, 8, 8), patch_size=8).without([(4, 0, 0)])
    assert len(plan) == 1

    (slab,) = kept(blend(plan, lambda origins: torch.ones(len(origins), 1, 8, 8, 8), channels=1, device=CPU))

    bell = gaussian(8)
    expected = [1, 1, 1, 1, *(bell[i] / (bell[i] + bell[i - 4]) for i in range(4, 8)), 0, 0, 0, 0]
    assert slab.features[5, 3, :, 0].tolist() == pytest.approx([float(e) for e in expected], rel=1e-6)
    assert slab.coverage is not None
    torch.testing.assert_close(slab.coverage, slab.features[..., 0])


def test_a_plan_without_any_tile_gives_empty_slabs():
    plan = plan_tiles((8, 8, 21), patch_size=8)
    plan = plan.without(tile for k in plan.origins[2] for tile in plan.layer(k))
    assert len(plan) == 0

    whole = joined(blend(plan, lambda origins: torch.ones(1), channels=3, device=CPU))

    assert whole.shape == (21, 8, 8, 3)
    assert not whole.any()


def kept(slabs):
    """Copies, since a slab is valid until the next is asked for only."""
    return [
        Slab(slab.start, slab.features.clone(), None if slab.coverage is None else slab.coverage.clone())
        for slab in slabs
    ]


def joined(slabs):
    """All planes once."""
    planes, done = [], 0
    for slab in slabs:
        planes.append(slab.features[done - slab.start :].clone())
        done = slab.stop
    return torch.cat(planes)
