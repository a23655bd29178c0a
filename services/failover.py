"""Which of several PostgreSQL servers is the primary, and the promotion of a standby that nobody can write to before
the event log has a new epoch.

A server that is not to be written to has `default_transaction_read_only` on, which libpq heeds where the address says
`target_session_attrs=read-write`. Errors: FailoverError.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from services.delivery.epoch import begin_epoch

_PORT = 5432
_CONNECT_TIMEOUT_SECONDS = 5
_STATEMENT_TIMEOUT_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.1
# A login that may not see what a receiver does takes it for one that hears.
_LOOK = text("""
    select pg_is_in_recovery() as is_standby,
        current_setting('default_transaction_read_only')::bool as is_fenced,
        case when pg_is_in_recovery()
            then coalesce((select received_tli from pg_stat_wal_receiver), (pg_control_checkpoint()).timeline_id)
            else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
        end as timeline,
        (case when pg_is_in_recovery()
            then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            else pg_current_wal_flush_lsn()
        end - '0/0'::pg_lsn)::bigint as position,
        exists (select from pg_stat_wal_receiver where coalesce(status, 'streaming') = 'streaming') as hears_primary,
        (select latest_end_time from pg_stat_wal_receiver) as heard_at,
        current_setting('synchronous_standby_names') as synchronous
""")
_END_SESSIONS = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()
"""
_FENCE, _SYNCHRONOUS = "default_transaction_read_only", "synchronous_standby_names"


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

    def look_at_all(self) -> dict[str, Server | None]:
        """By address; None: it does not answer."""
        return {address: self._look(address) for address in self._engines}

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
        servers = [server for server in found.values() if server]
        hanging = [address for address, server in found.items() if not server and self.listens(address)]
        if hanging and not force:
            raise FailoverError(f"{hanging[0]} listens and does not answer; stop that server, or --force")
        candidate = choose_candidate(servers, switch_over=switch_over, force=force)
        self._set(candidate.address, _FENCE, "on")
        for server in predecessors(servers, candidate):
            self._retire(server, candidate)
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

    def _look(self, address: str) -> Server | None:
        try:
            with self._engines[address].connect() as connection:
                return Server(address, **connection.execute(_LOOK).mappings().one())
        except OperationalError:
            return None
        except DBAPIError as exc:
            raise _failed(address, "a look at it", exc) from exc

    def _retire(self, primary: Server, standby: Server) -> None:
        """All that it has acknowledged is on the standby afterwards; where that fails it goes on as before."""
        try:
            self._hand_over(primary, standby)
        except FailoverError as exc:
            for server in (primary, standby):
                self._open(server.address)
            raise FailoverError(f"{exc}; {primary.address} takes writes again") from exc

    def _hand_over(self, primary: Server, standby: Server) -> None:
        self._set(primary.address, _FENCE, "on")
        self._ask(primary.address, _END_SESSIONS)
        last = self._look(primary.address)
        if last is None or not self._wait_for(lambda: self._has(standby.address, last.position)):
            raise FailoverError(f"{standby.address} does not catch up with {primary.address}")

    def _has(self, address: str, position: int) -> bool:
        server = self._look(address)
        return server is not None and server.position >= position

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
    plain = create_engine(several)
    _, options = plain.dialect.create_connect_args(several)
    hosts, ports = (str(options.get(name, "")).split(",") for name in ("host", "port"))
    ports = ports * len(hosts) if len(ports) == 1 else ports
    rest = several.difference_update_query(["host", "port", "target_session_attrs"])
    return {
        f"{host}:{port or _PORT}": create_engine(
            rest.set(host=host, port=int(port or _PORT)),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                "tcp_user_timeout": _CONNECT_TIMEOUT_SECONDS * 1000,
                "application_name": "welno-failover",
                "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_SECONDS}s",
            },
        )
        for host, port in zip(hosts, ports, strict=True)
    }


def _failed(address: str, what: str, error: DBAPIError) -> FailoverError:
    return FailoverError(f"{address}: {what} failed: {str(error.orig).strip()}")
