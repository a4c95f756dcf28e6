"""No tile that has a say in the label of a dense voxel is skipped, wherever it lies and whatever the grids are."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sneakynet.inference.air import tiles_of_air
from sneakynet.inference.axis_samples import AxisSamples
from sneakynet.inference.tiles import plan_tiles


@settings(max_examples=150, deadline=None)
@given(
    shape=st.tuples(*[st.integers(2, 40)] * 3),
    place=st.tuples(st.tuples(*[st.sampled_from([0.3, 0.5, 1.0, 1.7])] * 3), st.floats(-0.9, 0.9)),
    order=st.permutations(range(3)),
    seed=st.integers(0, 1000),
)
def test_every_tile_that_a_dense_voxel_reads_is_run(shape, place, order, seed):
    rng = np.random.default_rng(seed)
    scales, offset = place
    voxels = 1 + seed % 4
    grid = tuple(max(1, int(np.ceil(n * s))) for n, s in zip(shape, scales, strict=True))
    samples = tuple(
        AxisSamples.along(n, scale=s, offset=offset, length=g) for n, s, g in zip(shape, scales, grid, strict=True)
    )
    # Any order of the axes in memory, as canonical views of real scans have.
    scan = np.full([shape[axis] for axis in order], -1000, np.int16).transpose(np.argsort(order))
    dense = [tuple(int(rng.integers(n)) for n in shape) for _ in range(voxels)]
    for voxel in dense:
        scan[voxel] = -299
    plan = plan_tiles(grid, patch_size=8, grid=2)

    skipped = set(tiles_of_air(plan, scan, samples))

    for voxel in dense:
        read = [{int(axis.lower[n]), int(axis.upper[n])} for axis, n in zip(samples, voxel, strict=True)]
        for k in plan.origins[2]:
            for tile in plan.layer(k):
                if all(any(o <= r < o + 8 for r in around) for o, around in zip(tile, read, strict=True)):
                    assert tile not in skipped
    if voxels == 1:  # and air is skipped indeed: only tiles that the one voxel reads are run
        assert len(plan) - len(skipped) <= 2**3 * 2**3
