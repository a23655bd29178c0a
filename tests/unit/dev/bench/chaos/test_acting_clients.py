"""The clients of the chaos bench: what breaks off or is told to come again is asked once more, whole."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from dev.bench.chaos.acting_clients import ActingClients, ActorRequest
from tests.waiting import wait_until

OCTETS = bytes(range(256)) * 400


class OneRequestActor:
    """Asks for one thing, again and again."""

    token = "token"

    def __init__(self, request: ActorRequest) -> None:
        self._request = request
        self.answers: list[tuple[int, dict[str, Any]]] = []

    def next_request(self, rng: random.Random) -> ActorRequest:
        del rng
        return self._request

    def note_answer(self, request: ActorRequest, status: int, body: dict[str, Any]) -> None:
        assert request == self._request
        self.answers.append((status, body))


@asynccontextmanager
async def serving(handle: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        assert site._server is not None
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


def act(request: ActorRequest, handle: Any) -> tuple[int, dict[str, Any]]:
    """What the first answer is."""

    async def run() -> tuple[int, dict[str, Any]]:
        async with serving(handle) as url:
            return await asyncio.to_thread(ask, url)

    def ask(url: str) -> tuple[int, dict[str, Any]]:
        actor = OneRequestActor(request)
        clients = ActingClients(url, [actor], random.Random(1), 1000.0)
        clients.open()
        try:
            wait_until(lambda: actor.answers)
        finally:
            clients.stop_arrivals()
            clients.close()
        return actor.answers[0]

    return asyncio.run(run())


def test_octets_that_were_cut_in_the_middle_come_again_whole():
    begun: list[int] = []
    whole: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        begun.append(len(whole))
        whole.append(await request.read())
        return web.json_response({"success": True})

    assert act(ActorRequest("/part", method="PUT", octets=OCTETS, is_cut=True), take) == (200, {"success": True})
    assert begun[:2] == [0, 0]
    assert set(whole) == {OCTETS}


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/jose"])
def test_an_answer_of_octets_stands_under_content(kind: str):
    async def give(_: web.Request) -> web.Response:
        return web.Response(body=OCTETS, content_type=kind)

    assert act(ActorRequest("/blob", method="GET"), give) == (200, {"content": OCTETS})


def test_who_is_told_to_come_again_does_unless_that_is_an_answer():
    statuses = [429, 503, 200]

    async def give(_: web.Request) -> web.Response:
        return web.json_response({}, status=statuses.pop(0) if len(statuses) > 1 else 200)

    assert act(ActorRequest("/x"), give)[0] == 200
    statuses[:] = [503, 429, 200]
    assert act(ActorRequest("/x", also_final=frozenset({429})), give)[0] == 429
