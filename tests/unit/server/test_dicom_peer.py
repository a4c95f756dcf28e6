import pytest

from sneakynet.errors import SettingError
from sneakynet.server.dicom_peer import Archive, Sender, checked_title


def test_archives_and_senders():
    assert Archive.parse("MY PACS@pacs.example.org:104") == Archive("MY PACS", "pacs.example.org", 104)
    assert Sender.parse("CT1") == Sender("CT1")
    assert Sender.parse("CT1@10.0.0.7") == Sender("CT1", "10.0.0.7")


@pytest.mark.parametrize(
    "text", ["PACS", "PACS@host", "PACS@:104", "@host:104", "PACS@host:0", "PACS@host:70000", "P@h:x"]
)
def test_what_is_no_archive(text):
    with pytest.raises(SettingError, match="an archive is given as AET@host:port"):
        Archive.parse(text)


@pytest.mark.parametrize("title", ["", " A", "A ", "A" * 17, "A\\B", "Ä", "A\n"])
def test_what_is_no_title(title):
    with pytest.raises(SettingError, match="an AE title has 1 to 16 ASCII characters"):
        checked_title(title)
