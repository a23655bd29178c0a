"""Reads a run under its row's lock, and writes one in a single statement: what changed, its tries, its events.

Plain SQL instead of the ORM's flush: a collection has as many commits as steps, and this statement is all that most of
them need. It compares fence, step and state with what they were when the run was read, so whoever holds a run in memory
may write it without reading it again: if somebody else has moved it on, nothing is written.

Errors: SessionNotFound, ClaimOutdated (nothing was written; the unit of work has to be rolled back).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, inspect, select, text
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from core.names import Status, session_subject
from models.collection import CollectionRun, CollectionStep, FromNow
from services.collection.errors import SessionNotFound
from services.delivery.event_log import event_parameters, written_events
from services.delivery.unit_of_work import Work
from streams import EventBatch

_LOCK_RUN = select(CollectionRun).where(CollectionRun.session_id == bindparam("session_id")).with_for_update()
_COLUMNS = CollectionRun.__table__.columns
# Raised by the statement itself, from what the row then holds.
_COUNTERS = {"revision", "event_seq", "changed_at"}
# Others may change these while a process holds the run; it must not go on with what it once read.
_SHARED = ("revision", "event_seq", "expires_at", "token_hash", "collect_requested", "request_id")


class ClaimOutdated(Exception):
    """The run was moved on by somebody else."""

    retryable = False


@dataclass(frozen=True)
class StepTry:
    """One try of one step, as operators see it; the columns of `welno_collection_steps` but the session's."""

    step: str
    fence: int
    attempt: int
    outcome: str
    reason: str | None
    started_at: datetime
    ended_at: datetime


def lock_run(session: Session, session_id: UUID) -> CollectionRun:
    """The run, its row locked until the end of the transaction. `save_run` writes what is changed of it. Raises
    SessionNotFound."""
    run = session.execute(_LOCK_RUN, {"session_id": session_id}).scalar_one_or_none()
    if run is None:
        raise SessionNotFound(str(session_id))
    session.expunge(run)
    return run


@contextmanager
def locked_run(work: Work, session_id: UUID) -> Iterator[CollectionRun]:
    """The run under its row's lock; what the block changes is written at its end."""
    run = lock_run(work.session, session_id)
    yield run
    save_run(work, run)


def save_run(work: Work, run: CollectionRun, tries: Sequence[StepTry] = ()) -> None:
    """Write what was changed of the run, its tries and its events. When a browser can see the change its session lives
    on from now, and its Redis hash is replaced. Raises ClaimOutdated."""
    subject = session_subject(str(run.session_id))
    before, now = inspect(run).committed_state, inspect(run).dict
    changed = tuple(sorted(name for name in before if name not in _COUNTERS and before[name] != now[name]))
    is_visible = "revision" in before
    bodies = work.take_pending(subject)
    if not (changed or is_visible or bodies or tries):
        return
    parameters: dict[str, Any] = {name: _bound(name, now[name]) for name in changed}
    parameters |= {f"old_{name}": before.get(name, now[name]) for name in _COMPARED}
    parameters |= {"key": str(run.session_id), "seen": int(is_visible)}
    parameters |= event_parameters(work.kinds.of(subject), subject, bodies)
    for number, one in enumerate(tries):
        parameters |= {f"{name}_{number}": getattr(one, name) for name in _TRY_COLUMNS}
    # Whoever sets its end decides that themselves.
    lives_on = is_visible and run.status not in _LET_GO and "expires_at" not in changed
    lifetime = work.kinds.of(subject).lifetime if lives_on else None
    if lifetime is not None:
        parameters |= {"written_at": run.updated_at, "ttl": lifetime.ttl, "longest": lifetime.longest}
    statement = _saving(changed, len(tries), has_events=bool(bodies), lives_on=lifetime is not None)
    row = work.session.connection().exec_driver_sql(statement, parameters).one_or_none()
    if row is None:
        raise ClaimOutdated(str(run.session_id))
    before.clear()
    for name in _SHARED:
        set_committed_value(run, name, getattr(row, name))
    work.note_numbered(EventBatch(subject, row.epoch, row.event_seq - len(bodies) + 1, bodies))
    if is_visible:
        work.refresh_projection(subject, run)


_COMPARED = ("fence", "step", "run_state")
_DIALECT = psycopg2.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_BIND_PROCESSORS = {column.name: column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for column in _COLUMNS}
# Told by PostgreSQL's clock: see `FromNow`.
_ASSIGNED = {"call_until": "clock_timestamp() + cast(:call_until as interval)"}
# Not one that was over before: nobody's token comes back to life.
_LIVES_ON = """expires_at = case when expires_at <= :written_at then expires_at else greatest(
    expires_at, least(:written_at + cast(:ttl as interval), created_at + cast(:longest as interval))
) end"""
# Their sessions are over whatever is written.
_LET_GO = frozenset({Status.EXPIRED, Status.CANCELLED})
_TRY_COLUMNS = tuple(field.name for field in fields(StepTry))


@lru_cache(maxsize=256)
def _saving(changed: tuple[str, ...], tries: int, *, has_events: bool, lives_on: bool) -> str:
    """The statement for these columns; a run's life knows a few dozen combinations."""
    assignments = ["revision = revision + :seen", "event_seq = event_seq + :count", "changed_at = clock_timestamp()"]
    assignments += [f"{name} = {_ASSIGNED.get(name, f':{name}')}" for name in changed]
    if lives_on:
        assignments.append(_LIVES_ON)
    comparisons = " and ".join(f"{name} = :old_{name}" for name in _COMPARED)
    parts = [
        f"""saved as (
            update welno.welno_collection_history set {", ".join(assignments)}
            where session_id = :key and {comparisons} returning {", ".join(_SHARED)}
        )"""  # noqa: S608 columns of our own
    ]
    if has_events:
        parts.append(written_events("saved"))
    if tries:
        parts.append(_recorded_tries(tries))
    statement = text(f"""
        with {", ".join(parts)} select saved.*, (select epoch from welno.welno_epoch) as epoch from saved
    """)  # noqa: S608 parts of our own
    return str(statement.compile(dialect=_DIALECT))


def _bound(name: str, value: Any) -> Any:
    """As psycopg2 takes it."""
    if isinstance(value, FromNow):
        return value.ahead
    processor = _BIND_PROCESSORS[name]
    return processor(value) if processor else value


def _recorded_tries(tries: int) -> str:
    types = {column.name: column.type.compile(dialect=_DIALECT) for column in CollectionStep.__table__.columns}
    rows = ", ".join(
        "(" + ", ".join(f"cast(:{name}_{number} as {types[name]})" for name in _TRY_COLUMNS) + ")"
        for number in range(tries)
    )
    names = ", ".join(_TRY_COLUMNS)
    return f"""recorded as (
        insert into welno.welno_collection_steps (session_id, {names})
        select :key, new.* from saved, (values {rows}) as new ({names})
    )"""  # noqa: S608 columns of our own
