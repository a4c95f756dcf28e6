import pytest

from sneakynet.viewer.browser.file_in import file_in


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "a b.stl").touch()
    (tmp_path / "secret").touch()
    (folder / "out").symlink_to(tmp_path / "secret")
    return folder


def test_a_file(folder):
    assert file_in(folder, "below/a b.stl") == folder.resolve() / "below" / "a b.stl"
    assert file_in(folder, "below/../below/a b.stl") is not None


@pytest.mark.parametrize("name", ["", "below", "gone", "../secret", "below/../../secret", "out", "a\0b", "x" * 5000])
def test_nothing_else(folder, name):
    assert file_in(folder, name) is None
    assert file_in(folder, str(folder.parent / "secret")) is None
