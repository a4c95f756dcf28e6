import pytest

from sneakynet.anatomy.bone import BoneTable
from sneakynet.errors import SettingError
from sneakynet.models.builders import count_parameters
from sneakynet.reproduction.plan import keep_plan, make_plan
from sneakynet.reproduction.scale import SCALES

CASES = tuple(f"case_{n:02d}" for n in range(16))


@pytest.mark.parametrize("scale", ["small", "full"])
def test_networks_have_equal_parameters(scale):
    plan = make_plan(scale, cases=CASES)
    n_classes = BoneTable.default().n_classes
    counts = {
        experiment.name: count_parameters(experiment.architecture(n_classes=n_classes, levels=plan.levels))
        for experiment in plan.experiments
        if experiment.patch_size < 128  # there the plain U-Net is slim
    }
    plain = next(count for name, count in counts.items() if name.startswith("A_"))
    assert all(abs(count / plain - 1) <= 0.06 for count in counts.values()), counts


def test_full_size_has_the_widths_of_the_papers_rows():
    widths = {experiment.name: experiment.width for experiment in make_plan("full", cases=CASES).experiments}
    assert len(widths) == 12
    expected = {"A_32": 16, "B_32_64": 11, "C_32_64": 14, "D_32_64": 11, "D_32_64_128": 9, "D_32_64_128_256": 8}
    assert widths | expected == widths


def test_the_recipe_is_the_papers_but_for_what_a_scale_says(plan, tmp_path):
    settings = plan.settings(plan.experiments[3], 2, folder=tmp_path, device="cpu", threads=1)
    assert (settings.variant, settings.contexts, settings.fold, settings.steps) == ("D", (1,), 2, 5)
    assert (settings.schedule, settings.learning_rate, settings.warmup_steps) == ("cosine", 4e-3, 100)
    assert (settings.dice, settings.ignore_padding, settings.augment) == ("all", False, False)
    full = make_plan("full", cases=CASES).recipe
    assert (full.balanced, full.background_weight, full.norm) == (0.0, 1.0, "instance")
    assert (full.schedule, full.learning_rate, full.warmup_steps) == ("constant", 1e-3, 0)
    assert (settings.balanced, settings.background_weight, settings.norm) == (1.0, 0.25, "batch")


def test_a_plan_may_be_taken_up_again(plan, tmp_path):
    keep_plan(tmp_path, plan)
    keep_plan(tmp_path, plan)


def test_another_plan_is_refused_with_what_differs(plan, tmp_path):
    keep_plan(tmp_path, plan)
    with pytest.raises(SettingError, match=r"cannot go on with iterations: 6, not 5; choose another folder"):
        keep_plan(tmp_path, make_plan("small", cases=CASES, iterations=6))
    with pytest.raises(SettingError, match=r"seed: 1, not 0; folds\.0\.training: .* and \d+ more"):
        keep_plan(tmp_path, make_plan("small", cases=CASES, iterations=5, seed=1))


def test_a_damaged_plan_is_refused(plan, tmp_path):
    (tmp_path / "plan.yaml").write_text("{")
    with pytest.raises(SettingError, match="cannot read the plan"):
        keep_plan(tmp_path, plan)


def test_iterations_must_be_positive():
    with pytest.raises(SettingError, match="iterations must be 1 or more, got 0"):
        make_plan("small", cases=CASES, iterations=0)


def test_every_scale_can_be_planned():
    assert all(make_plan(name, cases=CASES[: scale.cases]).experiments for name, scale in SCALES.items())
