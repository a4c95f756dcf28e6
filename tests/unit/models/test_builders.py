import pytest
import torch

from sneakynet.errors import SettingError
from sneakynet.models.architecture import Architecture
from sneakynet.models.builders import build_sneakynet, count_parameters, width_for_budget

PAPER = [
    # variant, width, contexts, million parameters as in the design's table E1
    ("A", 16, (), "5.65"),
    ("A", 20, (), "8.82"),
    ("A", 24, (), "12.7"),
    ("A", 32, (), "22.6"),
    ("B", 11, (1,), "5.40"),
    ("C", 14, (1,), "5.3"),
    ("D", 11, (1,), "5.54"),
    ("D", 9, (1, 2), "5.56"),
    ("D", 8, (1, 2, 3), "5.83"),
    ("B", 22, (1,), "21.6"),
    ("C", 29, (1,), "22.8"),
    ("D", 22, (1,), "22.1"),
    ("D", 18, (1, 2), "22.2"),
    ("D", 16, (1, 2, 3), "23.3"),
]


@pytest.mark.parametrize(("variant", "width", "contexts", "millions"), PAPER)
def test_parameter_counts_are_those_of_the_table(variant, width, contexts, millions):
    architecture = Architecture(variant=variant, n_classes=126, patch_size=64, contexts=contexts, width=width)
    digits = len(millions.split(".")[1])
    assert f"{count_parameters(architecture) / 1e6:.{digits}f}" == millions


def test_e_has_no_parameters_that_d_has_not():
    rest = {"n_classes": 126, "patch_size": 64, "contexts": (1, 2, 3)}
    assert count_parameters(Architecture(variant="E", **rest)) == count_parameters(Architecture(variant="D", **rest))


def test_counting_gives_what_building_gives():
    architecture = Architecture(variant="D", n_classes=5, patch_size=32, width=3)
    model = build_sneakynet(variant="D", n_classes=5, patch_size=32, width=3)
    assert model.architecture == architecture
    assert sum(p.numel() for p in model.parameters()) == count_parameters(architecture)


@pytest.mark.parametrize(
    ("variant", "contexts", "budget", "width"),
    [
        ("A", (), 5_650_000, 16),
        ("A", (), 22_600_000, 32),
        ("B", (1,), 5_404_112, 11),
        ("D", (1, 2, 3), 5_832_824, 8),
        ("D", (1,), 1, 1),
    ],
)
def test_the_width_for_a_budget(variant, contexts, budget, width):
    assert width_for_budget(budget, variant=variant, n_classes=126, patch_size=64, contexts=contexts) == width


def test_the_width_is_the_nearest_on_both_sides():
    def count(width):
        return count_parameters(Architecture(variant="D", n_classes=126, patch_size=64, width=width))

    middle = (count(10) + count(11)) / 2
    assert width_for_budget(int(middle) - 2, variant="D", n_classes=126, patch_size=64) == 10
    assert width_for_budget(int(middle) + 2, variant="D", n_classes=126, patch_size=64) == 11


@pytest.mark.parametrize(
    ("budget", "message"), [(0, "positive number, got 0"), (10**15, "beyond the largest width, 1024")]
)
def test_impossible_budgets_are_refused(budget, message):
    with pytest.raises(SettingError, match=message):
        width_for_budget(budget, variant="D", n_classes=126, patch_size=64)


def test_fresh_weights_keep_the_scale_and_score_no_bone_ahead():
    torch.manual_seed(0)
    model = build_sneakynet(variant="D", n_classes=5, patch_size=32, width=8, norm="none")
    patch = torch.randn(1, 1, 32, 32, 32)
    features = model.features(patch, [patch])
    assert 0.1 < features.target.pow(2).mean().sqrt() < 10
    assert model(patch, [patch]).target[:, 1:].abs().max() < 1


@pytest.mark.parametrize(("variant", "contexts"), [("A", ()), ("C", (1,)), ("D", (1, 2)), ("E", (1,)), ("E", (1, 2))])
def test_every_fresh_answer_starts_with_background(variant, contexts):
    model = build_sneakynet(variant=variant, n_classes=126, patch_size=16, contexts=contexts, width=2, levels=3)
    patch = torch.zeros(1, 1, 16, 16, 16)  # instance normalisation makes zeros of it: the biases alone are seen
    output = model(patch, [patch] * len(contexts))
    for scores in (output.target, *output.contexts):
        torch.testing.assert_close(scores.softmax(dim=1)[:, 0], torch.full((1, 16, 16, 16), 0.95))


def test_the_seed_decides_the_weights():
    def weights(seed):
        torch.manual_seed(seed)
        return build_sneakynet(variant="D", n_classes=3, patch_size=32, width=2).state_dict()

    first, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
