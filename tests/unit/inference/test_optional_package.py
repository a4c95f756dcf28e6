import sys

import pytest

from sneakynet.errors import SettingError
from sneakynet.inference.optional_package import optional_package


def test_a_package_that_is_there():
    assert optional_package("json", extra="onnx") is sys.modules["json"]


def test_a_package_that_is_not():
    with pytest.raises(
        SettingError,
        match=r"^this needs the package no_such_one, which is not installed; run pip install 'sneakynet\[onnx\]'$",
    ):
        optional_package("no_such_one", extra="onnx")


def test_a_package_that_lacks_another(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import no_such_one\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_one"):
        optional_package("half_there", extra="onnx")
