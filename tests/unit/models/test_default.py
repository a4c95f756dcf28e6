import pytest

from sneakynet.errors import WeightsError
from sneakynet.models import default
from sneakynet.models.default import default_weights


def test_a_copy_without_weights_says_what_to_do(monkeypatch):
    monkeypatch.setattr(default, "_FILE", "none.safetensors")

    with pytest.raises(
        WeightsError, match=r"has no default weights \(.*none\.safetensors\); install it again, or name"
    ):
        default_weights()
