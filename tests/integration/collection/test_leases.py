"""Leases: held by living processes, gone with their connection, never brought back to life."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from core.names import Step
from models.collection import CollectionRun
from services.processes.leases import DEAD_OWNER, LOCK_CLASS, ProcessLeaseHolder
from tests.waiting import wait_until

from .conftest import World

KILL = f"""
    select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and classid = {LOCK_CLASS} and objid = cast(cast(:id as bigint) as oid)
"""
LOCKED = f"select count(*) from pg_locks where locktype = 'advisory' and classid = {LOCK_CLASS} and objid::bigint = :id"
PROCESSES = "select count(*) from welno.welno_processes where id = :id"


@contextmanager
def holding(world: World, seconds: float = 0.8, **named) -> Iterator[ProcessLeaseHolder]:
    holder = ProcessLeaseHolder(world.stores.engine, "worker", seconds, **named)
    holder.start()
    try:
        assert holder.wait_until_held(5) is not None
        yield holder
    finally:
        holder.stop()


def test_a_lease_is_renewed_while_its_process_lives(world: World):
    with holding(world) as holder:
        query = "select lease_until from welno.welno_processes where id = :id"
        first = world.value(query, id=holder.id)
        wait_until(lambda: world.value(query, id=holder.id) > first)
        assert world.value(LOCKED, id=holder.id) == 1


def test_a_lease_and_its_lock_go_with_the_process(world: World):
    with holding(world) as holder:
        lease_id = holder.id
    assert holder.id is None
    assert world.value(PROCESSES, id=lease_id) == 0
    wait_until(lambda: world.value(LOCKED, id=lease_id) == 0)


def test_a_cut_connection_frees_the_lock_at_once_and_a_new_lease_follows(world: World):
    lost: list[None] = []
    with holding(world, on_lost=lambda: lost.append(None)) as holder:
        first = holder.id
        world.execute(KILL, id=first)
        wait_until(lambda: world.value(LOCKED, id=first) == 0)
        wait_until(lambda: holder.id not in {first, None})
        assert len(lost) == 1


def test_a_lease_that_ran_out_does_not_come_back_to_life(world: World):
    with holding(world) as holder:
        first = holder.id
        world.execute(
            "update welno.welno_processes set lease_until = now() - interval '1 second' where id = :id", id=first
        )
        wait_until(lambda: holder.id not in {first, None})
        assert world.value("select lease_until < now() from welno.welno_processes where id = :id", id=first)


def test_renouncing_gives_a_new_id_and_forgets_the_old_one(world: World):
    with holding(world, seconds=60) as holder:
        first = holder.id
        holder.renounce()
        assert holder.wait_until_held(5) not in {first, None}
        assert (world.value(PROCESSES, id=first), world.value(LOCKED, id=first)) == (0, 0)


@pytest.fixture
def owned(world: World) -> str:
    session_id, _ = world.at(Step.SAVE_FILES)
    return session_id


def is_dead(world: World, session_id: str) -> bool:
    with world.stores.sessions() as session:
        query = select(CollectionRun.session_id).where(CollectionRun.session_id == session_id, DEAD_OWNER)
        return session.execute(query).first() is not None


@pytest.mark.parametrize("row", ["none", "valid", "run out"])
@pytest.mark.parametrize("lock", ["none", "held", "of another class"])
def test_an_owner_lives_only_with_a_valid_lease_and_its_lock(world: World, owned: str, row: str, lock: str):
    lease_id: int = world.value("select nextval(pg_get_serial_sequence('welno.welno_processes', 'id'))")
    world.execute("update welno.welno_collection_history set owner_id = :id", id=lease_id)
    if row != "none":
        until = "interval '1 minute'" if row == "valid" else "interval '-1 second'"
        insert = "insert into welno.welno_processes (id, kind, lease_until) overriding system value"
        world.execute(f"{insert} values (:id, 'worker', now() + {until})", id=lease_id)
    with world.stores.engine.connect() as connection:
        if lock != "none":
            class_id = LOCK_CLASS if lock == "held" else LOCK_CLASS + 1
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({class_id}, {lease_id})")
        assert is_dead(world, owned) is not (row == "valid" and lock == "held")


def test_nobody_is_no_living_owner(world: World, owned: str):
    world.execute("update welno.welno_collection_history set owner_id = null")
    assert is_dead(world, owned)
