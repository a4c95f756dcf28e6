import asyncio
import time

import pytest

from sneakynet.server.intake import Intake
from sneakynet.server.limits import Limits

pytest.importorskip("fastapi", reason="needs the extra `serve`")

from fastapi import HTTPException

from sneakynet.server import upload_gate
from sneakynet.server.upload_gate import UploadGate

SCOPE = {"type": "http", "method": "POST", "path": "/api/scans", "headers": []}


async def reads_all(scope, receive, send):
    while (await receive()).get("more_body"):
        pass


async def sent(message):
    pass


def arriving(*parts, every):
    """A client that sends the parts one after the other, each after so many seconds, and then nothing more."""
    left = iter(parts)

    async def receive():
        await asyncio.sleep(every)
        part = next(left, None)
        if part is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": True}

    return receive


@pytest.fixture
def gate(store, monkeypatch):
    monkeypatch.setattr(upload_gate, "_LONGEST_SILENCE", 0.2)
    return UploadGate(reads_all, Intake(store, Limits(uploads=1)))


def test_a_client_that_falls_silent_is_not_waited_for_and_its_place_is_free(gate):
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(HTTPException, match="nothing came for a minute; send the scan again") as broken_off:
            asyncio.run(gate(SCOPE, arriving(b"x", every=0), sent))
        assert (broken_off.value.status_code, broken_off.value.headers) == (408, {"Connection": "close"})
        assert 0.2 <= time.monotonic() - started < 5


def test_one_that_is_slow_but_sends_is_waited_for(gate):
    with pytest.raises(HTTPException, match="nothing came"):
        asyncio.run(gate(SCOPE, arriving(*[b"x"] * 8, every=0.05), sent))  # 0.4 s before it falls silent
