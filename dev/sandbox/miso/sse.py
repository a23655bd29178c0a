"""Server-sent events as MISO writes them, and where a fault breaks them off."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from aiohttp import web

from dev.sandbox.miso.calls import MisoCall
from dev.sandbox.miso.traits import MisoTraits

PING_SECONDS = 10.0
PING = b"event: ping\n\n"
DONE = b"data: [DONE]\n\n"


def block(event: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"


async def wait_with_pings(done: asyncio.Event, every_seconds: float = PING_SECONDS) -> AsyncIterator[bytes]:
    """A ping each time that it has not come yet."""
    while not done.is_set():
        try:
            async with asyncio.timeout(every_seconds):
                await done.wait()
        except TimeoutError:
            yield PING


async def deliver_events(
    request: web.Request,
    call: MisoCall,
    traits: MisoTraits,
    blocks: AsyncIterator[bytes],
    headers: dict[str, str],
) -> web.StreamResponse:
    """The call counts as delivered when the connection has taken the last block."""
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream; charset=utf-8"})
    try:
        await response.prepare(request)
        if await _write(request, response, traits, blocks):
            await response.write_eof()
            call.finish(status=200, delivered=True)
        else:
            call.finish(status=None, delivered=False)
    except (ConnectionError, asyncio.CancelledError):
        call.finish(status=None, delivered=False)
        raise
    return response


async def _write(
    request: web.Request, response: web.StreamResponse, traits: MisoTraits, blocks: AsyncIterator[bytes]
) -> bool:
    """False when the connection was cut."""
    number = 0
    async for one in blocks:
        if number == traits.error_after_chunks:
            await response.write(block({"event": "error", **_ids_of(one), **_late_error(traits)}))
            return True
        if number == traits.cut_after_chunks:
            await response.write(one[: len(one) // 2])
            _close(request)
            return False
        if number and traits.chunk_delay_seconds is not None:
            await asyncio.sleep(traits.chunk_delay_seconds)
        await _write_torn(response, one)
        number += 1
    return True


async def _write_torn(response: web.StreamResponse, one: bytes) -> None:
    """In two writes, between the bytes of its last letter beyond ASCII."""
    torn_at = next((at for at in range(len(one) - 1, 0, -1) if one[at] & 0xC0 == 0x80), len(one) // 2)
    await response.write(one[:torn_at])
    await asyncio.sleep(0)
    await response.write(one[torn_at:])


def _ids_of(one: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(one.removeprefix(b"data: "))
    except orjson.JSONDecodeError:
        return {}
    return {name: event[name] for name in ("task_id", "message_id", "workflow_run_id") if name in event}


def _late_error(traits: MisoTraits) -> dict[str, Any]:
    return {"status": 400, "code": traits.code or "completion_request_error", "message": "The model broke off."}


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
