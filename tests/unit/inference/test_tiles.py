import pytest
import torch

from sneakynet.errors import SettingError
from sneakynet.inference.tiles import gaussian, plan_tiles


def test_tiles_step_by_half_an_edge_and_end_with_the_scan():
    plan = plan_tiles((64, 80, 32), patch_size=32, grid=4)

    assert plan.origins == ((0, 16, 32), (0, 16, 32, 48), (0,))
    assert len(plan) == 12


def test_the_last_tile_reaches_beyond_a_scan_that_is_no_multiple_of_the_grid():
    plan = plan_tiles((33, 32, 32), patch_size=32, grid=8)

    assert plan.origins[0] == (0, 8)


def test_a_scan_smaller_than_a_tile_lies_in_its_middle():
    assert plan_tiles((10, 31, 1), patch_size=32, grid=2).origins == ((-10,), (0,), (-14,))


def test_layers_walk_along_k():
    plan = plan_tiles((48, 32, 48), patch_size=32)

    assert plan.layer(16) == [(0, 0, 16), (16, 0, 16)]


def test_gaussian_is_symmetric_and_falls_to_one_sigma_at_an_eighth():
    bell = gaussian(65)

    assert bell[32] == 1
    assert torch.equal(bell, bell.flip(0))
    assert bell[32 + 8] == pytest.approx(torch.exp(torch.tensor(-0.5 * (8 / (65 / 8)) ** 2)).item())


def test_weights_outside_the_grid_are_zero():
    (weight,) = plan_tiles((10, 10, 10), patch_size=32).weights(0)

    assert weight.count_nonzero() == 10
    assert torch.equal(weight[11:21], torch.ones(10))


@pytest.mark.parametrize("overlap", [-0.1, 1.0])
def test_overlap_must_be_a_share(overlap):
    with pytest.raises(SettingError, match=rf"from 0 to below 1, got {overlap}"):
        plan_tiles((32, 32, 32), patch_size=32, overlap=overlap)


def test_grid_must_let_tiles_touch():
    with pytest.raises(
        SettingError, match="tiles of 8 voxels cannot cover a scan from origins that are multiples of 16"
    ):
        plan_tiles((32, 32, 32), patch_size=8, grid=16)
