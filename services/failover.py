"""Which of several PostgreSQL servers is the primary, and the promotion of a standby that nobody can write to before
the event log has a new epoch.

A server that is not to be written to has `default_transaction_read_only` on, which libpq heeds where the address says
`target_session_attrs=read-write`. Errors: FailoverError.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from services.database import hosts_of
from services.delivery.epoch import begin_epoch
from services.primaries import TIMELINE

_CONNECT_TIMEOUT_SECONDS = 5
_STATEMENT_TIMEOUT_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.1
# A login that may not see what a receiver does takes it for one that hears.
_LOOK = text(f"""
    select pg_is_in_recovery() as is_standby,
        current_setting('default_transaction_read_only')::bool as is_fenced,
        case when pg_is_in_recovery()
            then coalesce((select received_tli from pg_stat_wal_receiver), (pg_control_checkpoint()).timeline_id)
            else {TIMELINE}
        end as timeline,
        (case when pg_is_in_recovery()
            then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            else pg_current_wal_flush_lsn()
        end - '0/0'::pg_lsn)::bigint as position,
        exists (select from pg_stat_wal_receiver where coalesce(status, 'streaming') = 'streaming') as hears_primary,
        (select latest_end_time from pg_stat_wal_receiver) as heard_at,
        current_setting('synchronous_standby_names') as synchronous
""")  # noqa: S608 our own words
_FENCE, _SYNCHRONOUS = "default_transaction_read_only", "synchronous_standby_names"
# Who connects later is read only from the start.
_SESSIONS_BEFORE = """
    from pg_stat_activity
    where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()
        and backend_start < '{fenced_at}'
"""
_END_SESSIONS = f"select pg_terminate_backend(pid) {_SESSIONS_BEFORE}"
_COUNT_SESSIONS = f"select count(*) {_SESSIONS_BEFORE}"
# By application; of a superuser only another one may.
_UNENDABLE_SESSIONS = """
    select string_agg(distinct coalesce(nullif(application_name, ''), 'without a name'), ', ')
    from pg_stat_activity join pg_roles on pg_roles.oid = usesysid
    where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid() and rolsuper
        and not (select rolsuper from pg_roles where rolname = current_user)
"""
# What a promotion needs; a superuser has it all. Asked for before anything is touched: half of one is an outage. Of a
# table in a schema that one may not use one may not even ask.
_MISSING_RIGHTS = """
    select string_agg(name, ', ') from (values
        ('execute on pg_promote', has_function_privilege('pg_promote(boolean, integer)', 'execute')),
        ('execute on pg_reload_conf', has_function_privilege('pg_reload_conf()', 'execute')),
        ('alter system on default_transaction_read_only',
            has_parameter_privilege('default_transaction_read_only', 'alter system')),
        ('alter system on synchronous_standby_names',
            has_parameter_privilege('synchronous_standby_names', 'alter system')),
        ('pg_signal_backend', pg_has_role('pg_signal_backend', 'usage')),
        ('pg_monitor', pg_has_role('pg_monitor', 'usage')),
        ('usage on schema welno', has_schema_privilege('welno', 'usage')),
        ('select on welno.welno_epoch', case when has_schema_privilege('welno', 'usage')
            then has_table_privilege('welno.welno_epoch', 'select') end),
        ('update on welno.welno_epoch', case when has_schema_privilege('welno', 'usage')
            then has_table_privilege('welno.welno_epoch', 'update') end)
    ) as rights (name, is_held)
    where not is_held
"""


class FailoverError(Exception):
    """The text is a sentence for the operator. What was begun is gone on with when it is asked for again."""


@dataclass(frozen=True, slots=True)
class Server:
    """As it answered; `position` is the byte of the write-ahead log up to which it has it."""

    address: str
    is_standby: bool
    is_fenced: bool
    timeline: int
    position: int
    hears_primary: bool = False
    heard_at: datetime | None = None
    synchronous: str = ""

    @property
    def takes_writes(self) -> bool:
        return not self.is_standby and not self.is_fenced


@dataclass(frozen=True, slots=True)
class UnreachableServer:
    """A server that did not answer; `reason` is what it or the network said, in one line."""

    address: str
    reason: str


def choose_candidate(servers: Sequence[Server], *, switch_over: bool = False, force: bool = False) -> Server:
    """Who is to take writes; also one whose promotion was cut short. Raises FailoverError."""
    writable = [server for server in servers if server.takes_writes]
    if len(writable) > 1:
        newest = max(writable, key=lambda server: server.timeline)
        raise FailoverError(
            f"{' and '.join(server.address for server in writable)} take writes; stop the one that was left behind"
            f" (not {newest.address}, whose timeline is the newest)"
        )
    if writable and not switch_over:
        raise FailoverError(f"{writable[0].address} takes writes; to leave it for its standby: --switch-over")
    others = [server for server in servers if server.is_standby or not writable]
    if not others:
        raise FailoverError("no standby answers")
    best = max(others, key=lambda server: (server.timeline, server.is_standby, server.position))
    can_be_left = writable or (switch_over and predecessors(servers, best))
    if best.hears_primary and not can_be_left and not force:
        raise FailoverError(
            f"{best.address} still hears a primary, which does not answer here or was made read-only; stop that server,"
            " or leave it with --switch-over (--force: whatever it does)"
        )
    return best


def predecessors(servers: Sequence[Server], candidate: Server) -> list[Server]:
    """The primaries, fenced or not, from which a candidate may still have to get something."""
    return [
        server
        for server in servers
        if not server.is_standby and server.address != candidate.address and server.timeline == candidate.timeline
    ]


class Failover:
    """Works by SQL on the servers that `url` names, each asked for itself. `settle_seconds` is how long a standby may
    take to catch up or to be promoted."""

    def __init__(self, url: str, settle_seconds: int = 30) -> None:
        self._engines = connect_each(url)
        self._settle_seconds = settle_seconds

    def look_at_all(self) -> list[Server | UnreachableServer]:
        return [self._look(address) for address in self._engines]

    def listens(self, address: str) -> bool:
        """Whether somebody takes connections there, which may be a server that hangs, or refuses our login."""
        host, _, port = address.rpartition(":")
        try:
            with closing(socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_SECONDS)):
                return True
        except OSError:
            return False

    def promote(self, *, switch_over: bool = False, force: bool = False) -> tuple[str, str]:
        """The address that takes writes from now on, and the epoch. Until the end nobody can write."""
        found = self.look_at_all()
        servers = [server for server in found if isinstance(server, Server)]
        if not force:
            self._refuse_to_pass_over(server for server in found if isinstance(server, UnreachableServer))
        candidate = choose_candidate(servers, switch_over=switch_over, force=force)
        if missing := self._ask(candidate.address, _MISSING_RIGHTS):
            raise FailoverError(f"{candidate.address}: this login lacks {missing}; nothing was changed")
        primaries = predecessors(servers, candidate)
        for primary in primaries:
            self._refuse_sessions_beyond(primary.address)
        with self._reopened_on_failure(candidate, primaries):
            self._set(candidate.address, _FENCE, "on")
            for primary in primaries:
                self._hand_over(primary, candidate)
        if candidate.synchronous:
            # It has no standby yet: each commit would wait for one, that of the new epoch first.
            self._set(candidate.address, _SYNCHRONOUS, "")
        if candidate.is_standby and not self._ask(
            candidate.address, f"select pg_promote(true, {self._settle_seconds})"
        ):
            raise FailoverError(f"{candidate.address} is not promoted yet; look at its log, and call this again")
        epoch = self._begin_epoch(candidate.address)
        self._open(candidate.address)
        return candidate.address, epoch

    def _refuse_to_pass_over(self, unreachable: Iterable[UnreachableServer]) -> None:
        for server in unreachable:
            if self.listens(server.address):
                raise FailoverError(
                    f"{server.address} listens and does not answer; let this login in where it is refused, else stop"
                    f" that server, or --force: {server.reason}"
                )

    def _refuse_sessions_beyond(self, address: str) -> None:
        if names := self._ask(address, _UNENDABLE_SESSIONS):
            raise FailoverError(
                f"{address}: a superuser is signed in ({names}), whose session this login may not end; have it ended;"
                " nothing was changed"
            )

    def _look(self, address: str) -> Server | UnreachableServer:
        try:
            with self._engines[address].connect() as connection:
                return Server(address, **connection.execute(_LOOK).mappings().one())
        except OperationalError as exc:
            return UnreachableServer(address, _in_one_line(exc))
        except DBAPIError as exc:
            raise _failed(address, "a look at it", exc) from exc

    @contextmanager
    def _reopened_on_failure(self, standby: Server, primaries: Sequence[Server]) -> Iterator[None]:
        """Where a hand-over fails or is interrupted, the primaries go on as before."""
        try:
            yield
        except BaseException as exc:
            if not standby.is_standby:
                raise  # it was promoted before, and has no epoch of its own yet
            if standby.is_fenced:
                # By a call that was cut: it may have been told to promote itself, and do so at any moment.
                raise FailoverError(f"{exc}; nobody takes writes: call this again") from exc
            told = [self._reopen(primary) for primary in primaries]
            self._reopen(standby)
            if isinstance(exc, FailoverError):
                raise FailoverError("; ".join([str(exc), *told])) from exc
            raise

    def _reopen(self, server: Server) -> str:
        try:
            self._open(server.address)
        except FailoverError as exc:
            return f"{server.address} is still read only ({exc}): call this again"
        return f"{server.address} takes writes again"

    def _hand_over(self, primary: Server, standby: Server) -> None:
        """All that the primary has acknowledged is on the standby afterwards."""
        self._set(primary.address, _FENCE, "on")
        fenced_at = self._ask(primary.address, "select clock_timestamp()")
        self._ask(primary.address, _END_SESSIONS.format(fenced_at=fenced_at))
        count = _COUNT_SESSIONS.format(fenced_at=fenced_at)
        if not self._wait_for(lambda: self._ask(primary.address, count) == 0):
            raise FailoverError(f"a session of before does not end at {primary.address}")
        last = self._look(primary.address)
        if isinstance(last, UnreachableServer) or not self._wait_for(lambda: self._has(standby.address, last.position)):
            raise FailoverError(f"{standby.address} does not catch up with {primary.address}")

    def _has(self, address: str, position: int) -> bool:
        server = self._look(address)
        return isinstance(server, Server) and server.position >= position

    def _begin_epoch(self, address: str) -> str:
        engine = self._engines[address].execution_options(isolation_level="READ COMMITTED")
        try:
            with Session(engine) as session, session.begin():
                session.execute(text("set transaction read write"))
                now: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
                return begin_epoch(session, now)
        except DBAPIError as exc:
            raise _failed(address, "a new epoch", exc) from exc

    def _open(self, address: str) -> None:
        self._ask(address, f"alter system reset {_FENCE}")
        self._reload(address, _FENCE, "off")

    def _set(self, address: str, name: str, value: str) -> None:
        self._ask(address, f"alter system set {name} = '{value}'")
        self._reload(address, name, value)

    def _reload(self, address: str, name: str, value: str) -> None:
        self._ask(address, "select pg_reload_conf()")
        if not self._wait_for(lambda: self._ask(address, f"show {name}") == value):
            raise FailoverError(f"{address} does not take on {name} = '{value}'; look at its configuration")

    def _wait_for(self, is_so: Callable[[], bool]) -> bool:
        """False when it takes too long."""
        pause, deadline = threading.Event(), time.monotonic() + self._settle_seconds
        while not is_so():
            if time.monotonic() > deadline:
                return False
            pause.wait(_LOOK_AGAIN_SECONDS)
        return True

    def _ask(self, address: str, statement: str) -> Any:
        """The first value of the answer, if there is any. Each statement commits for itself."""
        try:
            with self._engines[address].connect() as connection:
                answer = connection.execute(text(statement))
                return answer.scalar() if answer.returns_rows else None
        except DBAPIError as exc:
            raise _failed(address, repr(statement), exc) from exc


def connect_each(url: str) -> dict[str, Engine]:
    """By address, of each server that the address of the database names."""
    several = make_url(url)
    rest = several.difference_update_query(["host", "port", "target_session_attrs"])
    return {
        f"{host}:{port}": create_engine(
            rest.set(host=host, port=port),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                "tcp_user_timeout": _CONNECT_TIMEOUT_SECONDS * 1000,
                "application_name": "welno-failover",
                "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_SECONDS}s",
            },
        )
        for host, port in hosts_of(create_engine(several))
    }


def _failed(address: str, what: str, error: DBAPIError) -> FailoverError:
    return FailoverError(f"{address}: {what} failed: {_in_one_line(error)}")


def _in_one_line(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
