"""Kept connections: reused, bounded, given back by callers that leave."""

import asyncio
import threading

import pytest

from tests.integration.upstream import peer as peers
from tests.waiting import wait_until
from upstream.http.connection_pool import HttpConnectionPool
from upstream.http.exchange import BrokenResponse, ResponseTooLarge, TimedOut

MIB = 1024 * 1024


def connect(peer, places=1):
    return HttpConnectionPool(peer.url, max_connections=places, connect_seconds=5, max_response_bytes=MIB)


def ask(connections, seconds=10.0):
    return connections.exchange(connections.build("POST", "/records", {}, b"{}"), seconds)


def count_clients(peer):
    """Notes the client's port of each request."""
    ports, good = [], peer.answer

    def answer(handler):
        ports.append(handler.client_address[1])
        good(handler)

    peer.answer = answer
    return ports


def test_exchanges_share_a_kept_connection(peer):
    ports = count_clients(peer)

    async def ask_thrice():
        connections = connect(peer)
        replies = [await ask(connections) for _ in range(3)]
        await connections.close()
        return [reply.status for reply in replies]

    assert asyncio.run(ask_thrice()) == [200, 200, 200]
    assert len(set(ports)) == 1


def test_the_bound_of_one_exchange_is_not_the_next_one_s(peer):
    good, peer.answer = peer.answer, peers.give_body(b" " * 100_000)

    async def ask_each():
        connections = connect(peer)
        request = connections.build("POST", "/records", {}, b"{}")
        assert len((await connections.exchange(request, 10)).body) == 100_000
        peer.answer = good
        await connections.exchange(request, 10, max_response_bytes=1000)
        peer.answer = peers.give_body(b" " * 100_000)
        assert len((await connections.exchange(request, 10)).body) == 100_000
        with pytest.raises(ResponseTooLarge):
            await connections.exchange(request, 10, max_response_bytes=1000)
        await connections.close()

    asyncio.run(ask_each())


def test_waiting_for_a_connection_counts_as_time(peer):
    peer.answer = peers.stay_silent

    async def ask_twice():
        connections = connect(peer)
        first = asyncio.create_task(ask(connections))
        await asyncio.sleep(0)
        with pytest.raises(TimedOut):
            await ask(connections, seconds=0.1)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await connections.close()

    asyncio.run(ask_twice())
    assert len(peer.bodies) <= 1


def test_caller_that_leaves_makes_room(peer):
    good, asked, go_on = peer.answer, threading.Event(), threading.Event()

    def answer(handler):
        asked.set()
        go_on.wait(10)
        good(handler)

    peer.answer = answer

    async def leave_and_ask():
        connections = connect(peer)
        first = asyncio.create_task(ask(connections))
        assert await asyncio.to_thread(asked.wait, 10)
        first.cancel()
        second = asyncio.create_task(ask(connections))
        go_on.set()
        reply = await second
        await connections.close()
        return reply.status

    assert asyncio.run(leave_and_ask()) == 200


def test_what_before_send_refuses_is_not_sent(peer):
    def refuse():
        raise LookupError

    async def ask_thrice():
        connections = connect(peer)
        request = connections.build("POST", "/records", {}, b"{}")
        with pytest.raises(LookupError):
            await connections.exchange(request, 10, refuse)
        await connections.exchange(request, 10, lambda: None)
        await connections.close()

    asyncio.run(ask_thrice())
    assert peer.bodies == [b"{}"]


def test_each_exchange_ends_at_its_own_deadline(peer):
    peer.answer = peers.stay_silent

    async def ask_both():
        loop = asyncio.get_running_loop()
        connections = connect(peer, places=2)
        patient, hasty = (asyncio.create_task(ask(connections, seconds)) for seconds in (0.6, 0.1))
        ended = {}
        for name, task in (("patient", patient), ("hasty", hasty)):
            task.add_done_callback(lambda _, name=name: ended.setdefault(name, loop.time()))
        await asyncio.wait([patient, hasty])
        await connections.close()
        return type(patient.exception()), type(hasty.exception()), ended["patient"] - ended["hasty"]

    first, second, apart = asyncio.run(ask_both())
    assert (first, second) == (TimedOut, TimedOut)
    assert apart > 0.3


def test_closing_ends_what_is_under_way_and_what_waits(peer):
    peer.answer = peers.stay_silent

    async def ask_and_close():
        connections = connect(peer)
        asked = [asyncio.create_task(ask(connections)) for _ in range(3)]
        await asyncio.to_thread(wait_until, lambda: peer.bodies)
        await connections.close()
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(ask_and_close())] == [BrokenResponse] * 3


def test_many_that_are_kept_back_leave_the_place_to_the_next(peer):
    """More than a stack is deep."""

    def refuse():
        raise LookupError

    async def ask_many():
        connections = connect(peer)
        request = connections.build("POST", "/records", {}, b"{}")
        refused = [connections.exchange(request, 10, refuse) for _ in range(2000)]
        outcomes = await asyncio.gather(*refused, ask(connections), return_exceptions=True)
        await connections.close()
        return outcomes

    *refused, last = asyncio.run(ask_many())
    assert ({type(outcome) for outcome in refused}, last.status) == ({LookupError}, 200)
