"""What every answer says to the browser: load nothing from elsewhere, keep nothing."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sneakynet.viewer.browser.content_policy import content_policy

VIEWER = "/view/"
"""Where the viewer's page and its scripts are. It stands in a frame of a scan's page."""

_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_VIEWER_POLICY = content_policy(frame_ancestors="'self'")

_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AnswerHeaders:
    """Adds them.

    Args:
        app: what is behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = _VIEWER_POLICY if scope["path"].startswith(VIEWER) else _POLICY
                headers.setdefault("Content-Security-Policy", policy)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
