"""Where the options of ``sneakynet train`` come from."""

import pytest

from sneakynet.cli.main import main
from sneakynet.cli.train import defaults
from sneakynet.models.packaged import packaged_weights
from sneakynet.models.weights import load_weights
from sneakynet.training.presets import DEFAULT, PAPER


def test_the_paper_s_recipe():
    command = defaults(["data", "-o", "run", "--preset", "paper", "--steps", "5"])
    assert command.settings == PAPER
    assert (PAPER.variant, PAPER.contexts, PAPER.patch_size, PAPER.steps) == ("D", (1,), 64, 100_000)
    assert (PAPER.schedule, PAPER.warmup_steps, PAPER.balanced, PAPER.dice) == ("constant", 0, 0.0, "all")
    assert (PAPER.ignore_padding, PAPER.augment, PAPER.background_weight) == (False, False, 1.0)


@pytest.mark.parametrize("given", [(), ("--preset", "default")])
def test_without_a_word_what_measured_best_is_trained(given):
    assert defaults(["data", "-o", "run", *given]).settings == DEFAULT


def test_the_default_is_how_the_packaged_weights_were_trained():
    _, header = load_weights(packaged_weights())
    trained = header.architecture
    for name in ("variant", "patch_size", "width", "levels", "norm", "hook_source"):
        assert trained[name] == getattr(DEFAULT, name), name
    assert tuple(trained["contexts"]) == DEFAULT.contexts


def test_a_preset_that_there_is_not(capsys):
    assert main(["train", "data", "-o", "run", "--preset", "papre"]) == 2
    assert "paper" in capsys.readouterr().err


@pytest.mark.parametrize("other", [("--config", "config.yaml"), ("--resume",)])
def test_a_preset_and_other_settings(capsys, other):
    assert main(["train", "data", "-o", "run", "--preset", "paper", *other]) == 2
    assert f"give --preset or {other[0]}, not both" in capsys.readouterr().err
