"""What one request may send, and how many may send at once: kept while it comes in, before anything reads it."""

import asyncio
from contextlib import suppress

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sneakynet.server.intake import Intake
from sneakynet.server.refusal import RefusalError

_SMALL = 2**20
_LONGEST_SILENCE = 60.0  # seconds
_DRAINED = 64 * 2**20
_LONGEST_DRAIN = 10.0  # seconds
_CLOSE = {"Connection": "close"}


class UploadGate:
    """Breaks off requests that are too large, whatever length they claim, and those that say nothing for a minute.

    Args:
        app: what is behind.
        intake: knows the bounds and whether there is room.
    """

    def __init__(self, app: ASGIApp, intake: Intake) -> None:
        self._app, self._intake = app, intake
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["method"] == "POST" and scope["path"] == "/api/scans"
        most = self._intake.limits.upload if upload else _SMALL
        try:
            claimed = _claimed(scope)
            if claimed > most:
                raise _too_large(most)
            if upload:
                if self._inside >= self._intake.limits.uploads:
                    msg = f"{self._inside} uploads are on their way, no more are allowed at once; try again later"
                    raise RefusalError(503, msg)
                # While it is taken apart it lies there twice.
                await run_in_threadpool(self._intake.check_room, 2 * claimed)
        except (RefusalError, HTTPException) as refusal:
            detail = refusal.detail if isinstance(refusal, HTTPException) else str(refusal)
            status = refusal.status_code if isinstance(refusal, HTTPException) else refusal.status
            await _drained(receive)
            await JSONResponse({"detail": detail}, status_code=status, headers=_CLOSE)(scope, receive, send)
            return
        self._inside += upload
        try:
            await self._app(scope, _counted(receive, most), send)
        finally:
            self._inside -= upload


def _claimed(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdigit() and len(length) < 20 else 0


async def _drained(receive: Receive) -> None:
    """Read some of a refused body away: a client that is still sending would not get to see why it is refused."""
    left = _DRAINED
    with suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST_DRAIN):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _counted(receive: Receive, most: int) -> Receive:
    received, open = 0, True

    async def counted() -> Message:
        nonlocal received, open
        if not open:
            return await receive()
        try:
            async with asyncio.timeout(_LONGEST_SILENCE):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, "nothing came for a minute; send the scan again", _CLOSE) from error
        received += len(message.get("body", b""))
        open = bool(message.get("more_body"))
        if received > most:
            raise _too_large(most)
        return message

    return counted


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the request is larger than {most / 2**20:.0f} MB, which is what is allowed", _CLOSE)
