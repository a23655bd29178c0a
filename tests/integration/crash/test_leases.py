"""A process that could not renew its lease knows so itself, before it asks anybody for anything."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from services.leases import LeaseLost, ProcessLeaseHolder, ProviderGate
from tests.waiting import wait_until

REQUEST = object()


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
    gate(REQUEST)
    holder.renounce()
    with pytest.raises(LeaseLost):
        gate(REQUEST)


def until(engine: Engine, lease_id: int | None) -> object:
    with engine.begin() as connection:
        query = text("select lease_until from welno.welno_processes where id = :id")
        return connection.execute(query, {"id": lease_id}).scalar_one()
