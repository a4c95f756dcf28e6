from pathlib import Path

import pytest

from sneakynet.errors import WeightsError
from sneakynet.models import packaged
from sneakynet.models.packaged import model_path, packaged_weights
from sneakynet.models.weights import load_weights


def test_a_copy_without_weights_says_what_to_do(monkeypatch):
    monkeypatch.setitem(packaged._FILES, "fine", "none.safetensors")

    with pytest.raises(WeightsError, match=r"has no fine weights \(.*none\.safetensors\); install it again, or name"):
        packaged_weights("fine")


@pytest.mark.parametrize(("name", "spacing"), [("default", 3.0), ("fine", 2.0)])
def test_models_go_by_their_names(name, spacing):
    assert model_path(name) == model_path(Path(name)) == packaged_weights(name)
    assert load_weights(packaged_weights(name))[1].spacing == (spacing,) * 3


def test_a_slip_in_a_name_is_told_what_names_there_are():
    with pytest.raises(
        WeightsError, match=r"no model fien: default and fine come with sneakynet, anything else is a p"
    ):
        model_path("fien")
    assert model_path("fien.safetensors") == Path("fien.safetensors")


def test_no_model_is_the_default_and_all_else_a_path():
    assert model_path(None) == packaged_weights("default")
    assert model_path("folder/fine") == Path("folder/fine")
