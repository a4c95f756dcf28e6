import io
import stat
import struct
import zipfile

import pytest

from sneakynet.server.archive import unpack
from sneakynet.server.limits import Limits
from sneakynet.server.refusal import RefusalError

LIMITS = Limits(members=5, expanded=2**20)


@pytest.fixture
def extract(tmp_path):
    def do(members, *, edit=lambda content: content, limits=LIMITS):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
        path, folder = tmp_path / "upload", tmp_path / "scan"
        path.write_bytes(edit(buffer.getvalue()))
        folder.mkdir()
        return unpack(path, folder, limits=limits), folder

    return do


def test_members_get_names_of_ours(extract):
    count, folder = extract([("Secret^Patient/IM1", b"one"), ("folder/", b""), ("IM1", b"two"), ("con", b"three")])
    assert count == 3
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "000000.dcm": b"one",
        "000001.dcm": b"two",
        "000002.dcm": b"three",
    }


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "C:\\a", "..\\a", "\\\\host\\share\\a", "C:a"])
def test_names_that_lead_out_are_refused(extract, tmp_path, name):
    with pytest.raises(RefusalError, match="leads out"):
        extract([("fine", b"x"), (name, b"x")])
    assert not any((tmp_path / "scan").iterdir())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(extract, kind):
    member = zipfile.ZipInfo("link")
    member.external_attr = (kind | 0o777) << 16
    with pytest.raises(RefusalError, match="a link or a device"):
        extract([(member, "/etc/passwd")])


def test_bounds(extract):
    with pytest.raises(RefusalError, match="holds 6 files, 5 are allowed") as caught:
        extract([(f"{n}", b"x") for n in range(6)])
    assert caught.value.status == 413


def test_what_it_claims_to_hold(extract):
    with pytest.raises(RefusalError, match="holds more than 1 MB unpacked"):
        extract([("a", bytes(2**20 + 1))])


def test_what_comes_out_is_counted_whatever_is_claimed(extract):
    claimed = struct.pack("<L", 2**21)

    def lie(content):
        assert content.count(claimed) == 2
        return content.replace(claimed, struct.pack("<L", 100))

    with pytest.raises(RefusalError, match=r"damaged|more than"):
        extract([("a", bytes(2**21))], edit=lie)


def test_ratio(extract):
    with pytest.raises(RefusalError, match="holds more than 16 MB unpacked"):
        extract([("a", bytes(17 * 2**20))], limits=Limits())


def test_a_locked_and_a_damaged_one(extract):
    def locked(content):
        at = content.index(b"PK\1\2") + 8
        return content[:at] + b"\1" + content[at + 1 :]

    with pytest.raises(RefusalError, match="asks for a password"):
        extract([("a", b"x")], edit=locked)


def test_cut_short(extract):
    with pytest.raises(RefusalError, match="damaged or cut short"):
        extract([("a", b"x" * 1000)], edit=lambda content: content[:-30])


def test_empty(extract):
    with pytest.raises(RefusalError, match="empty"):
        extract([])
