"""Who holds a name until its transaction ends, and who waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from services.advisory_locks import lock_name, lock_name_shared, try_lock_name
from services.threads.acting import OwnKind, ThreadWork, lock_own


@contextmanager
def two_sessions(engine: Engine) -> Iterator[tuple[Session, Session]]:
    with Session(engine) as holder, Session(engine) as other:
        other.execute(text("set local lock_timeout = '50ms'"))
        yield holder, other


@pytest.mark.parametrize("lock", [lock_name, lock_name_shared])
def test_a_name_that_is_held_is_waited_for(engine: Engine, lock):
    with two_sessions(engine) as (holder, other):
        lock_name(holder, "person")
        assert not try_lock_name(other, "person")
        with pytest.raises(OperationalError, match="lock timeout"):
            lock(other, "person")


def test_who_shares_a_name_waits_only_for_who_holds_it_alone(engine: Engine):
    with two_sessions(engine) as (holder, other):
        lock_name_shared(holder, "person")
        lock_name_shared(other, "person")
        assert not try_lock_name(other, "person")
        with pytest.raises(OperationalError, match="lock timeout"):
            lock_name(other, "person")


def test_a_name_is_free_once_the_transaction_has_ended_and_others_are_free_all_the_while(engine: Engine):
    with two_sessions(engine) as (holder, other):
        assert try_lock_name(holder, "person")
        lock_name(other, "another person")
        holder.rollback()
        lock_name(other, "person")


@pytest.mark.parametrize(
    ("kind", "held_by_a_release_before"),
    [
        (OwnKind.DEVICES, "select pg_advisory_xact_lock(hashtextextended('staff:nurse', 40))"),
        (OwnKind.BLOBS, "select pg_advisory_xact_lock(hashtextextended('thread_blobs:' || 'staff:nurse', 0))"),
    ],
)
def test_what_a_member_has_is_locked_as_by_the_release_before_and_each_kind_for_itself(
    engine: Engine, kind: OwnKind, held_by_a_release_before: str
):
    with two_sessions(engine) as (holder, other):
        holder.execute(text(held_by_a_release_before))
        unit = cast(ThreadWork, SimpleNamespace(session=other, member="staff:nurse"))
        for one in set(OwnKind) - {kind}:
            lock_own(unit, one)
        with pytest.raises(OperationalError, match="lock timeout"):
            lock_own(unit, kind)
