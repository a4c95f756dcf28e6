import pytest

from sneakynet.errors import SettingError
from sneakynet.viewer.browser import niivue
from sneakynet.viewer.browser.npm_package import SCRIPT, TARBALL, VERSION


@pytest.fixture(autouse=True)
def _not_in_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(niivue, "WEB", tmp_path / "web")


def test_fetched_once(monkeypatch, tmp_path):
    times = []
    monkeypatch.setattr(niivue, "downloaded", lambda: times.append(1) or b"code")
    for _ in range(2):
        script = niivue.niivue_script(tmp_path / "new" / "cache")
    assert (script.read_bytes(), script.name, times) == (b"code", SCRIPT, [1])


def test_that_of_the_package_comes_first(monkeypatch, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / SCRIPT).write_bytes(b"code")
    assert niivue.niivue_script(tmp_path / "cache") == tmp_path / "web" / SCRIPT


def test_brought_by_hand(monkeypatch, tmp_path):
    (tmp_path / TARBALL).write_bytes(b"tar")
    monkeypatch.setattr(niivue, "unpacked", lambda tarball: tarball + b"red")
    assert niivue.niivue_script(tmp_path).read_bytes() == b"tarred"


def test_without_a_network(monkeypatch, tmp_path):
    def refuse():
        raise OSError("no network")

    monkeypatch.setattr(niivue, "downloaded", refuse)
    with pytest.raises(SettingError, match="npm registry did not give it") as caught:
        niivue.niivue_script(tmp_path / "cache")
    for part in ("no network", f"npm pack @niivue/niivue@{VERSION}", TARBALL, str(tmp_path / "cache")):
        assert part in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_damaged_one_brought_by_hand(tmp_path):
    (tmp_path / TARBALL).write_bytes(b"tar")
    with pytest.raises(SettingError, match=r"niivue-niivue-.*\.tgz did not give it \(its sha512 is"):
        niivue.niivue_script(tmp_path)


def test_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(niivue, "downloaded", lambda: b"code")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert niivue.niivue_script() == tmp_path / "sneakynet" / SCRIPT
