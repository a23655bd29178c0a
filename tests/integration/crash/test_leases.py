"""A process that could not renew its lease knows so itself, before it asks anybody for anything."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from services.processes.leases import ProcessLeaseHolder
from tests.waiting import wait_until


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


def test_a_call_leaves_only_once_others_know_of_it(holder: ProcessLeaseHolder, engine: Engine):
    lease_id = holder.wait_until_held(10)
    assert calls_until(engine, lease_id) is None
    assert not holder.announce_calls(30)
    wait_until(lambda: holder.announce_calls(30))
    left = calls_until(engine, lease_id)
    assert left is not None
    assert left > 30


def test_what_is_known_of_calls_outlives_a_lease_that_is_given_up(holder: ProcessLeaseHolder, engine: Engine):
    lease_id = holder.wait_until_held(10)
    wait_until(lambda: holder.announce_calls(30))
    holder.renounce()
    wait_until(lambda: holder.id not in {None, lease_id})
    assert (calls_until(engine, lease_id) or 0) > 25
    assert not holder.is_held(lease_id)


def calls_until(engine: Engine, lease_id: int | None) -> float | None:
    """Seconds from now."""
    with engine.begin() as connection:
        query = text("select extract(epoch from calls_until - now()) from welno.welno_processes where id = :id")
        left = connection.execute(query, {"id": lease_id}).scalar_one()
    return None if left is None else float(left)


def until(engine: Engine, lease_id: int | None) -> object:
    with engine.begin() as connection:
        query = text("select lease_until from welno.welno_processes where id = :id")
        return connection.execute(query, {"id": lease_id}).scalar_one()
