"""Settings to YAML and back, and what they refuse."""

from dataclasses import replace
from pathlib import Path

import pytest

from sneakynet.errors import SettingError
from sneakynet.training.settings import TrainSettings, read_config, write_config


def test_config_comes_back(tmp_path):
    settings = TrainSettings(contexts=(1, 3), table=Path("bones.csv"), time_limit=2.5, norm="batch")
    write_config(tmp_path / "config.yaml", Path("some/dataset"), settings)
    assert read_config(tmp_path / "config.yaml") == (Path("some/dataset"), settings)


def test_all_faults_at_once():
    with pytest.raises(SettingError, match=r"steps must be 1 or more, got 0; .*hu_window must be two numbers"):
        TrainSettings(steps=0, hu_window=(100.0, 100.0))


def test_contexts_first_needs_contexts_with_a_loss():
    with pytest.raises(SettingError, match="context_steps needs contexts with a loss of their own, variant C has none"):
        TrainSettings(variant="C", context_steps=5)


def test_what_shared_contexts_need():
    with pytest.raises(
        SettingError, match=r"shared_context needs contexts, .*needs norm batch or none: instance would"
    ):
        TrainSettings(variant="A", shared_context=2)
    with pytest.raises(SettingError, match=r"batch_size must be a multiple of shared_context \* accumulate = 8, got 4"):
        TrainSettings(norm="batch", shared_context=4, batch_size=4, accumulate=2)
    with pytest.raises(SettingError, match="shared_region must be 1 or more, got 0"):
        TrainSettings(norm="batch", shared_context=2, shared_region=0)


def test_unknown_setting_is_named(tmp_path):
    (tmp_path / "c.yaml").write_text("stepz: 3\n")
    with pytest.raises(SettingError, match=r"unknown settings: stepz; known are: variant, contexts"):
        read_config(tmp_path / "c.yaml")


@pytest.mark.parametrize(("text", "fault"), [("[1, 2", "cannot read"), ("just words", "holds no settings")])
def test_no_settings_in_the_file(tmp_path, text, fault):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(SettingError, match=fault):
        read_config(tmp_path / "c.yaml")


@pytest.mark.parametrize("text", ["contexts: 1", "hu_window: [-500]", "init: 3", "steps: many"])
def test_values_of_another_type(tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(SettingError, match="a setting has a value of the wrong type"):
        read_config(tmp_path / "c.yaml")


def test_missing_config_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"c\.yaml: No such file.*give the config\.yaml of a run"):
        read_config(tmp_path / "c.yaml")


def test_differences_leave_out_what_may_change():
    settings = TrainSettings()
    assert replace(settings, steps=7, device="cpu", threads=3).differences(settings) == []
    assert replace(settings, width=7).differences(settings) == ["width: 7, not 16"]
