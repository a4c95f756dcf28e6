"""A server for one page on this machine, that nobody else can read from.

Whoever else is on the machine does not know the token in the address; pages of other sites neither, and one that has
its name lead to 127.0.0.1 (DNS rebinding) sends that name as the host.
"""

import logging
import mimetypes
import secrets
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copyfileobj
from urllib.parse import unquote, urlsplit

from sneakynet.errors import SettingError
from sneakynet.viewer.browser.content_policy import content_policy
from sneakynet.viewer.browser.file_in import file_in
from sneakynet.viewer.browser.niivue import WEB

_LOG = logging.getLogger(__name__)

_HEADERS = {
    "Cache-Control": "no-store",  # scans do not belong into the browser's cache on disk
    "Content-Security-Policy": content_policy(frame_ancestors="'none'"),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "none",
}
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
}


class ViewServer(ThreadingHTTPServer):
    """Serves the viewer's page, NiiVue, and one folder of data, under an address that holds a random token.

    Args:
        data: folder from `write_view`.
        niivue: from `niivue_script`.
        port: of 127.0.0.1; 0 takes a free one.

    Raises:
        SettingError: the port cannot be had.
    """

    daemon_threads = True

    def __init__(self, data: Path, *, niivue: Path, port: int = 0) -> None:
        if not 0 <= port <= 65535:
            msg = f"a port is 1 to 65535, or 0 for any that is free, got {port}"
            raise SettingError(msg)
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__(("127.0.0.1", port), partial(_Handler, data=data.resolve(), niivue=niivue))
        except OSError as error:
            msg = f"port {port} cannot be had ({error.strerror}); give another --port, or leave it out"
            raise SettingError(msg) from error

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with files."""

    server: ViewServer
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, data: Path, niivue: Path) -> None:
        self._data, self._niivue = data, niivue
        super().__init__(*args)  # type: ignore[arg-type]  # what the server passes to its handlers

    def do_GET(self) -> None:  # the base class looks it up by this name
        """Send a file."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send what a GET would send, without the file."""
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news."""
        _LOG.debug(format, *args)

    def _answer(self, *, body: bool) -> None:
        port = self.server.server_port
        if self.headers.get("Host") not in {f"127.0.0.1:{port}", f"localhost:{port}"}:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return
        path = self._path(urlsplit(self.path).path)
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            with path.open("rb") as file:
                self.send_response(HTTPStatus.OK)
                self._end_headers(_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0], path.stat().st_size)
                if body:
                    copyfileobj(file, self.wfile, 1 << 20)
        except ConnectionError:  # the page was closed or loaded again
            self.close_connection = True

    def _path(self, url: str) -> Path | None:
        """The file behind a path; None for a wrong token and for whatever is not to be had."""
        _, token, *rest = unquote(url).split("/", maxsplit=2)
        if not rest or not secrets.compare_digest(token.encode(), self.server.token.encode()):
            return None
        name = rest[0] or "index.html"
        if name == "niivue.js":
            return self._niivue
        return file_in(self._data, name.removeprefix("data/")) if name.startswith("data/") else file_in(WEB, name)

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self._end_headers("text/plain", 0)

    def _end_headers(self, kind: str | None, length: int) -> None:
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(length))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
