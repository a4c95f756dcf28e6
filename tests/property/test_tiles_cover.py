import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sneakynet.inference.blend import blend
from sneakynet.inference.tiles import plan_tiles

lengths = st.tuples(*[st.integers(1, 40)] * 3)
patches = st.sampled_from([8, 16])
grids = st.sampled_from([1, 2, 4, 8])


@settings(deadline=None)
@given(lengths, patches, grids, st.sampled_from([0.0, 0.25, 0.5, 0.8]))
def test_tiles_cover_the_scan_from_origins_on_the_pooling_grid(shape, patch_size, grid, overlap):
    plan = plan_tiles(shape, patch_size=patch_size, grid=grid, overlap=overlap)

    for axis, length in enumerate(shape):
        covered = torch.zeros(length, dtype=torch.bool)
        for origin in plan.origins[axis]:
            assert origin % grid == 0
            covered[max(0, origin) : origin + patch_size] = True
        assert covered.all()
        assert list(plan.origins[axis]) == sorted(set(plan.origins[axis]))


@settings(deadline=None)
@given(lengths, patches, grids)
def test_weights_add_up_to_one(shape, patch_size, grid):
    plan = plan_tiles(shape, patch_size=patch_size, grid=grid)

    for axis, length in enumerate(shape):
        total = torch.zeros(length + 2 * patch_size)
        for origin, weight in zip(plan.origins[axis], plan.weights(axis), strict=True):
            total[origin + patch_size : origin + 2 * patch_size] += weight
        torch.testing.assert_close(total[patch_size:-patch_size], torch.ones(length))
        assert total.count_nonzero() == length


@settings(max_examples=25, deadline=None)
@given(lengths, st.sampled_from([1, 2, 4]), st.floats(-3, 3, width=32))
def test_a_constant_stays_that_constant(shape, grid, value):
    plan = plan_tiles(shape, patch_size=8, grid=grid)

    def constant(origins):
        return torch.full((len(origins), 1, 8, 8, 8), value)

    whole = joined(blend(plan, constant, channels=1, device=torch.device("cpu"), batch_size=3))

    torch.testing.assert_close(whole, torch.full((*shape[::-1], 1), value))


@settings(max_examples=25, deadline=None)
@given(lengths, st.sampled_from([1, 2, 4]))
def test_blending_tiles_cut_from_a_volume_gives_the_volume_back(shape, grid):
    plan = plan_tiles(shape, patch_size=8, grid=grid)
    volume = torch.rand(shape)
    padded = torch.nn.functional.pad(volume, (16,) * 6)

    def features_at(origins):
        return torch.stack([padded[tuple(slice(o + 16, o + 24) for o in origin)][None] for origin in origins])

    whole = joined(blend(plan, features_at, channels=1, device=torch.device("cpu")))

    torch.testing.assert_close(whole[..., 0], volume.permute(2, 1, 0))


def joined(slabs):
    """All planes once; every slab but the first begins with the last plane of the one before."""
    planes, done = [], 0
    for slab in slabs:
        planes.append(slab.features[done - slab.start :].clone())
        done = slab.stop
    return torch.cat(planes)
