import pytest
from starlette.datastructures import Headers

from sneakynet.errors import SettingError
from sneakynet.server.access import COOKIE, PAGE_HEADER, Access, choose_token

TOKEN = "0123456789abcdef"


def knows(method="GET", **headers):
    return Access(TOKEN).knows(
        Headers({name.replace("_", "-"): value for name, value in headers.items()}), method=method
    )


def test_the_token_opens():
    assert knows(authorization=f"Bearer {TOKEN}")
    assert knows(authorization=f"bearer  {TOKEN} ")
    assert not knows()
    assert not knows(authorization="Bearer ")
    assert not knows(authorization=f"Bearer {TOKEN}x")
    assert not knows(authorization=f"Basic {TOKEN}")
    assert not knows(authorization="Bearer \xe9\xff")


def test_the_cookie_opens_and_changes_nothing_for_other_sites():
    cookie = f"a=b; {COOKIE}={Access(TOKEN).session}"
    assert knows(cookie=cookie)
    assert not knows(cookie=cookie, method="DELETE")
    assert knows(cookie=cookie, method="DELETE", **{PAGE_HEADER: "1"})
    assert not knows(cookie=f"{COOKIE}={TOKEN}")
    assert not knows(cookie=f"{COOKIE}")
    assert TOKEN not in Access(TOKEN).session


@pytest.mark.parametrize("token", ["short", "with a space in it", "e" * 15, "é" * 16, ""])
def test_weak_tokens_are_refused(token):
    with pytest.raises(SettingError, match="at least 16 characters"):
        Access(token)


def test_which_token(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert choose_token(None, file, loopback=False) == (TOKEN, False)
    assert choose_token(TOKEN, None, loopback=False) == (TOKEN, False)
    token, new = choose_token(None, None, loopback=True)
    assert new
    assert token != choose_token(None, None, loopback=True)[0]
    Access(token)
    with pytest.raises(SettingError, match="other machines reach this server"):
        choose_token(None, None, loopback=False)
    with pytest.raises(SettingError, match="not both"):
        choose_token(TOKEN, file, loopback=True)
    with pytest.raises(SettingError, match="cannot read the token file"):
        choose_token(None, tmp_path / "none", loopback=True)
