from dataclasses import replace

import pytest
import torch

from sneakynet.inference.blend import blend
from sneakynet.inference.tiles import gaussian, plan_tiles

CPU = torch.device("cpu")


def test_one_tile_is_given_back_as_it_is():
    tile = torch.arange(2 * 4**3, dtype=torch.float32).reshape(1, 2, 4, 4, 4)

    (slab,) = blend(plan_tiles((4, 4, 4), patch_size=4), lambda origins: tile, channels=tile.shape[1], device=CPU)

    assert slab.start == 0
    assert torch.equal(slab.features, tile[0].permute(1, 2, 3, 0))


def test_two_tiles_mix_by_their_gaussians():
    plan = plan_tiles((12, 8, 8), patch_size=8)
    assert plan.origins[0] == (0, 4)

    (slab,) = blend(plan, lambda origins: torch.full((1, 1, 8, 8, 8), float(origins[0][0])), channels=1, device=CPU)

    bell = gaussian(8)
    expected = [0, 0, 0, 0, *(4 * bell[i - 4] / (bell[i] + bell[i - 4]) for i in range(4, 8)), 4, 4, 4, 4]
    assert slab.features[:, 3, 5, 0].tolist() == pytest.approx([float(e) for e in expected], rel=1e-6)


def test_slabs_leave_as_soon_as_no_later_tile_touches_them():
    plan = plan_tiles((8, 8, 21), patch_size=8)
    seen = []

    for slab in blend(plan, lambda origins: torch.zeros(len(origins), 3, 8, 8, 8), channels=3, device=CPU):
        seen.append((slab.start, slab.stop))
        assert slab.features.shape == (8, 8, slab.stop - slab.start, 3)

    assert seen == [(0, 4), (4, 8), (8, 12), (12, 13), (13, 21)]


def test_batches_change_nothing():
    plan = plan_tiles((19, 13, 17), patch_size=8, grid=2)

    def features_at(origins):
        return torch.stack([torch.rand(2, 8, 8, 8, generator=torch.Generator().manual_seed(hash(o))) for o in origins])

    def blended(n):
        slabs = blend(plan, features_at, channels=2, device=CPU, batch_size=n)
        return torch.cat([slab.features for slab in slabs], dim=2)

    whole = {n: blended(n) for n in (1, 5)}

    assert whole[1].shape == (19, 13, 17, 2)
    assert torch.equal(whole[1], whole[5])


def test_skipped_tiles_leave_their_share_empty():
    plan = replace(plan_tiles((12, 8, 8), patch_size=8), skipped=frozenset({(4, 0, 0)}))
    assert len(plan) == 1

    (slab,) = blend(plan, lambda origins: torch.ones(len(origins), 1, 8, 8, 8), channels=1, device=CPU)

    bell = gaussian(8)
    expected = [1, 1, 1, 1, *(bell[i] / (bell[i] + bell[i - 4]) for i in range(4, 8)), 0, 0, 0, 0]
    assert slab.features[:, 3, 5, 0].tolist() == pytest.approx([float(e) for e in expected], rel=1e-6)


def test_a_plan_without_any_tile_gives_empty_slabs():
    plan = plan_tiles((8, 8, 21), patch_size=8)
    plan = plan.without_air(torch.full((8, 8, 21), -1.0), 0.0)
    assert len(plan) == 0
    slabs = list(blend(plan, lambda origins: torch.ones(1), channels=3, device=CPU))
    assert sum(slab.features.shape[2] for slab in slabs) == 21
    assert not any(slab.features.any() for slab in slabs)
