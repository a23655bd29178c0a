"""Which processes are alive: each holds an advisory lock, which vanishes when it dies, and renews a lease, which runs
out when it hangs.

Advisory locks belong to a database session: behind a connection pooler no lease is held.
"""

import os
import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, TextClause, delete, func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.logs import get_logger
from models.processes import ProcessLease
from services.database import UnsuitableDatabase, is_pooled

log = get_logger(__name__)

# The first half of the advisory lock's key; the second is the id of the lease.
LOCK_CLASS = 73_055
# pg_locks is asked for the lock itself: the kernel closes a dead process's connection at once, long before its lease
# runs out.
_ALIVE = f"""
    from welno.welno_processes p
    join pg_locks l on l.locktype = 'advisory' and l.classid = {LOCK_CLASS} and l.objid = p.id::oid
        and l.granted and l.database = (select oid from pg_database where datname = current_database())
    where p.lease_until > now()
"""  # noqa: S608 our own number


def has_dead_owner(column: str) -> TextClause:
    """Whether this column of ours holds the id of a lease whose process is gone or hangs."""
    return text(f"not exists (select 1 {_ALIVE} and p.id = {column})")


DEAD_OWNER = has_dead_owner("welno.welno_collection_history.owner_id")

_LEADER = text(f"select min(p.id) {_ALIVE} and p.kind = :kind")


def find_leader(session: Session, kind: str) -> int | None:
    """The lease of the one process of a kind that does what only one should: the longest in place of those alive. For
    a moment, after a leader hung, two may take themselves for it."""
    found: int | None = session.scalar(_LEADER, {"kind": kind})
    return found


class ProcessLeaseHolder:
    """This process's lease, kept by a thread of its own over a connection of its own.

    `id` is None while PostgreSQL cannot be reached: then nothing may be taken. `renounce` gives up the lease, and
    with it whatever is held under it, when a step could not be settled; a new one follows.
    """

    def __init__(
        self, engine: Engine, kind: str, lease_seconds: float, on_lost: Callable[[], object] | None = None
    ) -> None:
        self._engine = engine
        self._kind = kind
        self._lease_seconds = lease_seconds
        self._on_lost = on_lost
        self._connection: Connection | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._ready = threading.Event()
        self._renounced = False
        self._registered_id: int | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._valid_until = 0.0
        self._call_seconds = 0.0
        self._announced_seconds = 0.0
        self.id: int | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._keep, name="process-lease", daemon=True)
        self._thread.start()

    def wait_until_held(self, timeout_seconds: float) -> int | None:
        """The id, as soon as the lease is held; None when it is not in time."""
        self._ready.wait(timeout_seconds)
        return self.id

    def is_held(self, lease_id: int | None) -> bool:
        """Whether this lease is still ours, by our own clock: a process that was stopped, or cut off from the database,
        for longer than it lasts sees so itself before it acts on what another may have taken."""
        return lease_id is not None and lease_id == self.id and time.monotonic() < self._valid_until

    def announce_calls(self, seconds: float) -> bool:
        """Whether the lease tells everybody that a call which may be paid for can be under way for so long after it.
        False until it does, which is soon: nothing may be asked before."""
        if self._announced_seconds >= seconds:
            return True
        self._call_seconds = seconds
        self._wake.set()
        return False

    def renounce(self) -> None:
        """Let others take what this process holds, at once."""
        with self._lock:
            self._renounced = True
            self.id = None
            self._ready.clear()
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _keep(self) -> None:
        while not self._stop.is_set():
            try:
                self._renew()
            except SQLAlchemyError as exc:
                log.warning("process_lease_lost", kind=self._kind, error=type(exc).__name__)
                self._lose()
            self._wake.wait(self._lease_seconds / 4 if self.id is not None else min(self._lease_seconds / 4, 0.5))
            self._wake.clear()
        self._lose(forget=True)

    def _renew(self) -> None:
        with self._lock:
            renounced, self._renounced = self._renounced, False
        if renounced:
            self._lose(forget=True)
        if self._connection is None:
            self._register()
        elif not self._extend(self._connection):
            self._lose()

    def _register(self) -> None:
        connection = self._engine.connect()
        asked_at = time.monotonic()
        try:
            _require_session(connection)
            # Operators find the process behind a lock by this name in pg_stat_activity.
            connection.execute(select(func.set_config("application_name", f"welno {self._kind} {os.getpid()}", False)))
            call_seconds = self._call_seconds
            row = insert(ProcessLease).values(kind=self._kind, **self._ends(call_seconds)).returning(ProcessLease.id)
            lease_id: int = connection.execute(row).scalar_one()
            connection.execute(select(func.pg_advisory_lock(LOCK_CLASS, lease_id)))
            connection.commit()
        except SQLAlchemyError:
            connection.invalidate()
            connection.close()
            raise
        with self._lock:
            self._connection = connection
            self._announced_seconds = call_seconds
            self._registered_id = lease_id
            self._valid_until = asked_at + self._lease_seconds
            if not self._renounced:
                self.id = lease_id
                self._ready.set()
        log.info("process_lease_held", kind=self._kind, lease_id=lease_id)

    def _extend(self, connection: Connection) -> bool:
        """False when the lease had run out: somebody may have taken our runs, so it must not come back to life."""
        asked_at = time.monotonic()
        alive = (ProcessLease.id == self._registered_id, ProcessLease.lease_until > func.now())
        call_seconds = self._call_seconds
        changed = connection.execute(update(ProcessLease).where(*alive).values(**self._ends(call_seconds)))
        connection.commit()
        if changed.rowcount == 1:
            self._announced_seconds = call_seconds
            self._valid_until = asked_at + self._lease_seconds
        return changed.rowcount == 1

    def _ends(self, call_seconds: float) -> dict[str, object]:
        """When the lease ends, and when the last call that may have been begun under it."""
        calls_until = func.now() + text(f"interval '{self._lease_seconds + call_seconds} seconds'")
        return {
            "lease_until": func.now() + text(f"interval '{self._lease_seconds} seconds'"),
            "calls_until": calls_until if call_seconds else None,
        }

    def _lose(self, *, forget: bool = False) -> None:
        with self._lock:
            lease_id, self._registered_id, self.id = self._registered_id, None, None
            self._ready.clear()
            self._announced_seconds = 0.0
            connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._on_lost is not None and not self._stop.is_set():
            self._on_lost()
        try:
            if forget and lease_id is not None:
                # What is still under way has to be known to who takes over.
                is_over = ProcessLease.calls_until.is_(None) | self._stop.is_set()
                connection.execute(delete(ProcessLease).where(ProcessLease.id == lease_id, is_over))
                connection.commit()
        except SQLAlchemyError as exc:
            log.warning("process_lease_not_forgotten", kind=self._kind, error=type(exc).__name__)
        finally:
            # Not back into the pool: closing it is what frees the advisory lock.
            connection.invalidate()
            connection.close()


def _require_session(connection: Connection) -> None:
    if is_pooled(connection):
        raise UnsuitableDatabase("a lease needs a direct connection")


class LeaseLost(Exception):
    """This process was away for longer than its lease: what it held may be another's by now."""

    retryable = True
    reason = "lease_lost"
