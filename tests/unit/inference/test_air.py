import numpy as np

from sneakynet.inference.air import AIR_BELOW, tiles_of_air
from sneakynet.inference.axis_samples import AxisSamples
from sneakynet.inference.tiles import plan_tiles


def samples_of(shape, scale):
    return tuple(
        AxisSamples.along(n, scale=scale, offset=(scale - 1) / 2, length=int(np.ceil(n * scale))) for n in shape
    )


def test_a_thin_bone_that_fades_on_the_network_s_grid_keeps_its_tiles():
    """One voxel of 1 mm in air: averaged to 3 mm it would be -960 HU."""
    scan = np.full((48, 48, 96), -1000, np.int16)
    scan[20, 20, 70] = 30
    plan = plan_tiles((16, 16, 32), patch_size=8)

    skipped = tiles_of_air(plan, scan, samples_of(scan.shape, 1 / 3))

    run = {tile for k in plan.origins[2] for tile in plan.layer(k)} - set(skipped)
    assert run == {(i, j, k) for i in (0, 4) for j in (0, 4) for k in (16, 20)}


def test_air_itself_is_skipped_and_what_is_denser_than_the_threshold_is_not():
    plan = plan_tiles((16, 16, 16), patch_size=8)
    samples = samples_of((16, 16, 16), 1.0)

    assert len(tiles_of_air(plan, np.full((16, 16, 16), AIR_BELOW), samples)) == len(plan)
    assert tiles_of_air(plan, np.full((16, 16, 16), AIR_BELOW + 1), samples) == []
