import numpy as np
import pytest

from sneakynet.reproduction.pooled import collect, gap, median_interval


def scores(plan, fold, dsc, **rates):
    return [(case, bone, dsc, rates) for case in plan.folds[fold].test for bone in ("sacrum", "hip_left")]


def test_pairs_of_finished_folds_are_pooled(plan, tmp_path, write_unit):
    write_unit(plan, tmp_path, "A_16", 0, scores(plan, 0, 0.5))
    write_unit(plan, tmp_path, "A_16", 2, scores(plan, 2, 0.7), seconds=4.0)
    pooled = collect(plan, tmp_path)["A_16"]
    assert pooled.folds == (0, 2)
    assert pooled.cases == tuple(sorted(plan.folds[0].test + plan.folds[2].test))
    assert sorted(pair.dsc for pair in pooled.pairs) == [0.5] * 6 + [0.7] * 6
    assert (pooled.parameters, pooled.seconds_per_iteration, pooled.seconds_per_scan) == (1_000_000, 0.25, 3.0)
    assert collect(plan, tmp_path)["B_16_32"].pairs == ()


def test_rates_are_means_over_the_bones_they_apply_to(plan, tmp_path, write_unit):
    mixed = [*scores(plan, 0, 0.5, side_swap=0.3), ("case_00", "vertebrae_L1", 0.1, {"side_swap": "", "far": 0.2})]
    write_unit(plan, tmp_path, "A_16", 0, mixed)
    pooled = collect(plan, tmp_path)["A_16"]
    assert pooled.rate("side_swap") == pytest.approx(0.3)
    assert pooled.rate("far") == pytest.approx(0.2)
    assert pooled.rate("neighbour_shift") is None


def test_a_gap_is_taken_on_common_scans(plan, tmp_path, write_unit):
    write_unit(plan, tmp_path, "A_16", 0, scores(plan, 0, 0.5))
    write_unit(plan, tmp_path, "D_16_32", 0, scores(plan, 0, 0.6))
    write_unit(plan, tmp_path, "D_16_32", 1, scores(plan, 1, 0.9))
    results = collect(plan, tmp_path)
    difference, (low, high) = gap(results["D_16_32"], results["A_16"])
    assert difference == pytest.approx(0.1)
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)


def test_intervals_span_the_scans(plan, tmp_path, write_unit):
    values = dict(zip(plan.folds[0].test, (0.2, 0.5, 0.8), strict=True))
    write_unit(plan, tmp_path, "A_16", 0, [(case, "sacrum", dsc, {}) for case, dsc in values.items()])
    low, high = median_interval(collect(plan, tmp_path)["A_16"])
    np.testing.assert_allclose((low, high), (0.2, 0.8))


def test_no_figure_without_a_bone_found(plan, tmp_path, write_unit):
    write_unit(plan, tmp_path, "A_16", 0, scores(plan, 0, 0.0))
    pooled = collect(plan, tmp_path)["A_16"]
    assert median_interval(pooled) is None
    assert gap(pooled, pooled) is None
