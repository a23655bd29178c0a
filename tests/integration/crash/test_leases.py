"""A process that could not renew its lease knows so itself, before it asks anybody for anything."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

from services.processes.leases import LeaseLost, ProcessLeaseHolder, ProviderGate
from tests.integration.upstream.peer import Peer
from tests.waiting import wait_until
from upstream.http.exchange import open_http


@pytest.fixture
def holder(engine: Engine) -> Iterator[ProcessLeaseHolder]:
    holder = ProcessLeaseHolder(engine, "test", lease_seconds=0.6)
    holder.start()
    yield holder
    holder.stop()


def test_a_lease_that_is_renewed_is_held_for_long(holder: ProcessLeaseHolder, engine: Engine):
    lease_id = holder.wait_until_held(10)
    first = until(engine, lease_id)
    wait_until(lambda: until(engine, lease_id) > first)
    assert holder.is_held(lease_id)


def test_a_lease_that_cannot_be_renewed_is_held_no_longer(holder: ProcessLeaseHolder, engine: Engine):
    lease_id = holder.wait_until_held(10)
    with engine.begin() as other:
        other.execute(text("select 1 from welno.welno_processes where id = :id for update"), {"id": lease_id})
        wait_until(lambda: not holder.is_held(lease_id))
        assert holder.id == lease_id  # the database has not told it yet


def test_nobody_is_asked_under_a_lease_that_was_lost(holder: ProcessLeaseHolder):
    gate = ProviderGate(holder, holder.wait_until_held(10))
    with serving() as peer, open_http() as http:
        http.event_hooks["request"].append(gate)
        assert http.post(peer.url, content=b"first").status_code == 200
        holder.renounce()
        with pytest.raises(LeaseLost):
            http.post(peer.url, content=b"second")
        assert peer.bodies == [b"first"]


def test_a_lease_that_is_lost_while_the_connection_is_opened_is_noticed(holder: ProcessLeaseHolder):
    gate = ProviderGate(holder, holder.wait_until_held(10))
    with serving() as peer, open_http() as http:
        http.event_hooks["request"] += [gate, lambda _request: holder.renounce()]
        with pytest.raises(LeaseLost):
            http.post(peer.url, content=b"late")
        assert peer.bodies == []


@contextmanager
def serving() -> Iterator[Peer]:
    with Peer() as peer:
        threading.Thread(target=peer.serve_forever, daemon=True).start()
        yield peer
        peer.shutdown()


def until(engine: Engine, lease_id: int | None) -> object:
    with engine.begin() as connection:
        query = text("select lease_until from welno.welno_processes where id = :id")
        return connection.execute(query, {"id": lease_id}).scalar_one()
