import io
import tarfile
from urllib.error import URLError

import pytest

from sneakynet.viewer.browser import npm_package


@pytest.fixture
def tarball(monkeypatch):
    """A package that the pin is changed to."""
    import base64
    import hashlib

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("package/dist/index.js")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"code"))
    content = buffer.getvalue()
    monkeypatch.setattr(npm_package, "_INTEGRITY", base64.b64encode(hashlib.sha512(content).digest()).decode())
    return content


@pytest.fixture
def asked(monkeypatch, tarball, tmp_path):
    """Addresses that are asked for; the registry answers with the package."""
    addresses = []

    def answer(request, timeout):
        addresses.append(request.full_url)
        return io.BytesIO(tarball)

    monkeypatch.setattr(npm_package, "urlopen", answer)
    monkeypatch.setattr(npm_package.Path, "home", lambda: tmp_path)
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    return addresses


PATH = f"/@niivue/niivue/-/niivue-{npm_package.VERSION}.tgz"


def test_from_the_public_registry(asked):
    assert npm_package.downloaded() == b"code"
    assert asked == ["https://registry.npmjs.org" + PATH]


def test_from_the_mirror_of_the_users_file(asked, tmp_path):
    (tmp_path / ".npmrc").write_text("fund=false\nregistry = https://mirror.example/npm/\n")
    npm_package.downloaded()
    assert asked == ["https://mirror.example/npm" + PATH]


def test_from_the_mirror_of_the_variable(asked, tmp_path, monkeypatch):
    (tmp_path / ".npmrc").write_text("registry=https://file.example\n")
    monkeypatch.setenv("npm_config_registry", "https://variable.example/")
    npm_package.downloaded()
    assert asked == ["https://variable.example" + PATH]


def test_another_package_is_refused(tarball):
    assert npm_package.unpacked(tarball) == b"code"
    with pytest.raises(ValueError, match=r"its sha512 is .*, that of NiiVue"):
        npm_package.unpacked(tarball + b"x")


def test_no_registry(monkeypatch):
    def refuse(request, timeout):
        raise URLError("no network")

    monkeypatch.setattr(npm_package, "urlopen", refuse)
    with pytest.raises(OSError, match="no network"):
        npm_package.downloaded()
