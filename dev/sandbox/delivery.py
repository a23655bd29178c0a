"""Writing an answer to its connection, or cutting the connection where a fault says so."""

import asyncio
from typing import Protocol

from aiohttp import web

from dev.sandbox.faults import BEFORE, DURING
from dev.sandbox.replies import Reply

SLOW_PIECES = 10


class DeliveredCall(Protocol):
    """The line of a ledger that tells how a call ended."""

    def finish(self, *, status: int | None, delivered: bool) -> None: ...


def _cut_connection(request: web.Request, *, at_once: bool) -> None:
    if request.transport is None:
        return
    if at_once:
        request.transport.abort()
    else:
        # Closing flushes what was written, so that the client really sees half a body.
        request.transport.close()


async def _write_half(request: web.Request, response: web.StreamResponse, reply: Reply) -> None:
    left = reply.size // 2
    for part in reply.parts:
        await response.write(part[:left])
        left -= min(left, len(part))
        if not left:
            break
    _cut_connection(request, at_once=False)


async def _write_whole(response: web.StreamResponse, reply: Reply, pause_seconds: float | None) -> None:
    if pause_seconds is None:
        for part in reply.parts:
            await response.write(part)
    else:
        body = b"".join(reply.parts)
        width = max(1, len(body) // SLOW_PIECES)
        for at in range(0, len(body), width):
            await response.write(body[at : at + width])
            await asyncio.sleep(pause_seconds)
    await response.write_eof()


async def deliver(
    request: web.Request,
    reply: Reply,
    call: DeliveredCall,
    cut: str | None = None,
    pause_seconds: float | None = None,
) -> web.StreamResponse:
    """Write the answer, in pieces with pauses where it is to come slowly; the call counts as delivered when the
    connection has taken all of it."""
    response = web.StreamResponse(status=reply.status, headers={**reply.headers, "Content-Type": reply.content_type})
    response.content_length = reply.size
    if cut == BEFORE:
        call.finish(status=None, delivered=False)
        _cut_connection(request, at_once=True)
        return response
    try:
        await response.prepare(request)
        if cut == DURING:
            call.finish(status=None, delivered=False)
            await _write_half(request, response, reply)
            return response
        await _write_whole(response, reply, pause_seconds)
    except (ConnectionError, asyncio.CancelledError):
        call.finish(status=None, delivered=False)
        raise
    call.finish(status=reply.status, delivered=True)
    return response
