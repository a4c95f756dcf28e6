"""Who may use the server: those who know its token."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sneakynet.errors import SettingError

COOKIE = "sneakynet_session"

PAGE_HEADER = "x-sneakynet-page"
"""Must come with whatever changes something by the cookie: other sites cannot send it along."""

_SHORTEST = 16
_SAFE = {"GET", "HEAD"}
_OPEN = {"/api/health"}


class Access:
    """A token, and what proves to know it.

    Args:
        token: 16 printable characters or more, without spaces.

    Raises:
        SettingError: another token.
    """

    def __init__(self, token: str) -> None:
        if not re.fullmatch(rf"[!-~]{{{_SHORTEST},}}", token):
            msg = (
                f"the token must have at least {_SHORTEST} characters, ASCII without spaces, got {len(token)}; "
                "`openssl rand -hex 24` makes one"
            )
            raise SettingError(msg)
        self._token = token
        # The browser keeps this in place of the token.
        self.session = hmac.new(token.encode(), b"sneakynet session", hashlib.sha256).hexdigest()

    def knows(self, headers: Headers, *, method: str) -> bool:
        """Whether a request bears the token, or the cookie that was given for it.

        Args:
            headers: of the request.
            method: GET, POST ...
        """
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return _same(token.strip(), self._token)
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except Exception:  # a malformed cookie is none
            return False
        return cookie is not None and (method in _SAFE or PAGE_HEADER in headers) and _same(cookie.value, self.session)


def _same(given: str, right: str) -> bool:
    """Compare in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode(errors="surrogatepass"), right.encode())


class Guard:
    """Turns strangers away before anything of their request is read.

    Args:
        app: what is behind.
        access: who may pass.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        guarded = scope["type"] == "http" and scope["path"].startswith("/api/") and scope["path"] not in _OPEN
        if guarded and not self._access.knows(Headers(scope=scope), method=scope["method"]):
            answer = JSONResponse(
                {"detail": "the token is missing or wrong; send it as `Authorization: Bearer TOKEN`"},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer", "Connection": "close"},
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def choose_token(
    token: str | None, token_file: Path | None, *, loopback: bool, make: Callable[[], str] = secrets.token_urlsafe
) -> tuple[str, bool]:
    """The server's token.

    Args:
        token: as it was given.
        token_file: file with nothing but the token.
        loopback: whether only this machine reaches the server.
        make: a new one by chance.

    Returns:
        The token, and whether it is new and must be told.

    Raises:
        SettingError: both or an unreadable file, or none though other machines reach the server.
    """
    if token is not None and token_file is not None:
        msg = "give the token by --token or by --token-file, not both"
        raise SettingError(msg)
    if token_file is not None:
        try:
            return token_file.read_text(encoding="utf-8").strip(), False
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            msg = f"cannot read the token file {token_file}: {reason}"
            raise SettingError(msg) from error
    if token is not None:
        return token, False
    if not loopback:
        msg = (
            "other machines reach this server, so its token must be chosen by you: give --token-file FILE (or "
            "--token), or leave out --host to serve this machine alone"
        )
        raise SettingError(msg)
    return make(), True
