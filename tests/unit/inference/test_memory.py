from dataclasses import replace

import pytest

from sneakynet.errors import SettingError
from sneakynet.inference.memory import Workload, fit, forecast, memory_at_hand, memory_in_use, parse_size
from sneakynet.models.architecture import Architecture

MIB = 2**20


def architecture(variant="A", contexts=(), **changes):
    settings = {"n_classes": 126, "patch_size": 64, "width": 16, "levels": 4, "norm": "batch", **changes}
    return Architecture(variant=variant, contexts=contexts, **settings)


def work(**changes):
    plain = Workload(
        scan=(256, 256, 256),
        grid=(128, 128, 256),
        resampled=True,
        architecture=architecture(),
        shared=(),
        activation_bytes=4,
    )
    return replace(plain, **changes)


def test_the_ring_holds_one_layer_of_tiles_and_the_plane_before():
    """Features of 16 channels and how much of them was run, float32."""
    wide, narrow = (forecast(work(), base=0, rows=rows).stages["tiles"] for rows in (128, 64))

    assert wide - narrow == 65 * 64 * 128 * 17 * 4
    deep, flat = (forecast(work(grid=(128, 128, n)), base=0).stages["tiles"] for n in (64, 32))
    assert deep - flat == 32 * 128 * 128 * (17 * 4 + 4)  # and the scan itself


def test_a_longer_scan_costs_its_own_voxels_only():
    one, two = (forecast(work(grid=(128, 128, n)), base=0).stages["tiles"] for n in (200, 400))

    assert two - one == 200 * 128 * 128 * 4


def test_what_is_kept_in_memory_counts():
    on_disk, in_memory = (forecast(work(output_bytes=n), base=0).stages["tiles"] for n in (0, 2))

    assert in_memory - on_disk == 2 * 256**3


def test_contexts_run_for_every_tile_keep_no_maps():
    settings = {"architecture": architecture("E", (1, 2), hook_source="decoder")}

    once = forecast(work(shared=(True, True), **settings), base=0)
    per_tile = forecast(work(shared=(False, False), **settings), base=0)

    assert once.stages["contexts"] > per_tile.stages["contexts"]
    # But their features are blended with the target's own.
    ring = 65 * 128 * 128 * 4
    # The pooled scan with 24 and 16 cells around it; a level has a quarter of the bytes of the one before.
    kept = 16 * 4 * (112 * 112 * 176 * (1 + 1 / 4 + 1 / 16) + 64 * 64 * 96 * (1 + 1 / 4))
    assert per_tile.stages["tiles"] - once.stages["tiles"] == pytest.approx(2 * 16 * ring - kept, rel=0.01)


def test_the_base_is_there_in_every_stage_and_a_mirrored_pass_counts_twice():
    assert forecast(work(), base=5 * MIB).peak - forecast(work(), base=0).peak == 5 * MIB
    one, two = (forecast(work(passes=n), base=0).stages for n in (1, 2))
    assert two["pyramid"] - one["pyramid"] == 4 * 128 * 128 * 256
    assert two["tiles"] > one["tiles"] + 65 * 128 * 128 * 17 * 4


def test_strips_get_narrower_until_the_limit_holds():
    free = forecast(work(), base=0)

    assert fit(work(), base=0, limit=free.peak, step=16).rows == 128
    tight = fit(work(), base=0, limit=free.peak - 1, step=16)
    assert tight.rows == 64
    assert tight.peak < free.peak
    assert fit(work(), base=0, limit=tight.peak - 1, step=16).rows == 48


def test_contexts_run_in_blocks_where_strips_are_not_enough():
    big = work(grid=(200, 200, 1200), architecture=architecture("E", (1,), hook_source="decoder"), shared=(True,))
    free = forecast(big, base=0)
    assert max(free.stages, key=free.stages.get) == "contexts"

    tight = fit(big, base=0, limit=free.peak - 1, step=16)

    assert (tight.rows, tight.block_voxels) == (200, 0)
    assert tight.peak < free.peak


def test_a_limit_that_nothing_fits_is_refused_with_the_figures():
    least = forecast(work(), base=500 * MIB, rows=16).peak / 2**30

    with pytest.raises(
        SettingError,
        match=rf"256x256x256 voxels, 128x128x256 on the network's grid\) needs at least {least:.2f} GiB: "
        r"0\.49 GiB that this program .* its tiles; the limit is 0\.50 GiB\. Raise --memory-limit",
    ):
        fit(work(), base=500 * MIB, limit=512 * MIB, step=16)


def test_what_the_machine_has_is_more_than_what_this_process_holds():
    held = memory_in_use()

    assert 10 * MIB < held < memory_at_hand()


def test_a_forecast_says_what_it_is():
    found = fit(work(), base=0, limit=forecast(work(), base=0).peak - 1, step=16)

    may = f"({found.limit / 2**30:.2f} GiB may be used)"
    assert str(found) == f"{found.peak / 2**30:.2f} GiB of memory {may}, in 2 strips"
    assert str(fit(work(), base=0, limit=2**40, step=16)).endswith("(1024.00 GiB may be used)")
    assert found.to_dict()["peak_bytes"] == found.peak


@pytest.mark.parametrize(
    ("text", "size"), [("4G", 4 * 2**30), ("1500M", 1500 * 2**20), ("1.5 GiB", 3 * 2**29), ("2tb", 2 * 2**40)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "4", "G", "-4G", "0G", "4X", "four G"])
def test_texts_that_are_no_sizes(text):
    with pytest.raises(SettingError, match="a number and a unit, such as 4G or 1500M, got"):
        parse_size(text)
