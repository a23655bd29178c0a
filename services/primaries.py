"""Of several PostgreSQL servers that an address names, the primary whose timeline is the newest.

Each promotion begins the next timeline. A primary that was cut off while its standby was promoted takes writes still,
from whoever sees it then, and from everybody when the network is whole again: they are lost when it becomes a standby.
"""

import math
import os
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg2
from sqlalchemy import Engine, event

from core.logs import get_logger

log = get_logger(__name__)

Address = tuple[str, int]
# Two primaries at once are rare, and each look is a connection to each other server.
_LOOK_EVERY_SECONDS = 10.0
# Whoever connects first waits for the others as long; what answers later is heeded then.
_LOOK_SECONDS = 2
# That a primary writes. docs/deploy/postgresql/refuse-old-primary asks for the same.
TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
_TIMELINE_OF_PRIMARY = f"select case when not pg_is_in_recovery() then {TIMELINE} end"


class NewestPrimary:
    """Chooses for the connections of an engine, and ends those to a primary that was left behind.

    The server that took us last is asked first: a host that is gone costs its time-out once and not with each
    connection. The others are looked at before the first connection is used, and later beside whoever uses one, at
    most every ten seconds. `refusal` is raised where only a primary that was left behind would take us.
    """

    def __init__(self, engine: Engine, addresses: Sequence[Address], refusal: type[Exception]) -> None:
        self._addresses = list(addresses)
        self._refusal = refusal
        self._newest = 0
        self._looked_at = -math.inf
        self._look: threading.Thread | None = None
        self._options: dict[str, Any] = {}
        self._connections: WeakKeyDictionary[Any, tuple[int, Any]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "checkout", self._look_beside)

    def _connect(self, dialect: Any, _record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        """In place of the driver's: to a server that takes writes, and is no predecessor of one that is known."""
        self._options = dict(options)
        candidates = list(self._addresses)
        while candidates:
            try:
                connection = dialect.connect(*arguments, **options | _named(candidates))
            except psycopg2.OperationalError as exc:
                if len(candidates) < len(self._addresses):
                    raise self._refusal from exc
                raise
            address = (connection.info.host, connection.info.port)
            if self._is_newest(connection, address):
                return connection
            connection.close()
            candidates.remove(address)
        raise self._refusal

    def _is_newest(self, connection: Any, address: Address) -> bool:
        timeline = _read_timeline(connection)
        with self._lock:
            is_first = math.isinf(self._looked_at)
            if timeline and timeline < self._newest:
                return False
            self._newest = max(self._newest, timeline)
            self._connections[connection] = (timeline, _peer(connection))
            self._prefer(address)
        look = self._begin_look()
        if is_first and look is not None:
            look.join(_LOOK_SECONDS)
        return not timeline or timeline >= self._newest

    def _prefer(self, address: Address) -> None:
        # At once: another thread that connects meanwhile would find a list that is being sorted empty.
        self._addresses[:] = sorted(self._addresses, key=lambda one: one != address)

    def _look_beside(self, *_: Any) -> None:
        self._begin_look()

    def _begin_look(self) -> threading.Thread | None:
        """In a thread of its own, as libpq heeds no time-out where it does not block (gevent): a server that hangs
        holds up one look, and nobody who wants a connection."""
        with self._lock:
            is_due = time.monotonic() - self._looked_at > _LOOK_EVERY_SECONDS
            if not is_due or (self._look is not None and self._look.is_alive()):
                return None
            self._looked_at = time.monotonic()
            self._look = threading.Thread(target=self._look_at, args=(self._addresses[1:],), daemon=True)
            self._look.start()
            return self._look

    def _look_at(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            timeline = self._ask(address)
            if timeline > self._newest:
                self._follow(address, timeline)

    def _ask(self, address: Address) -> int:
        """The timeline of a primary, also of one that is kept read only for its promotion; else 0."""
        limits = {"connect_timeout": _LOOK_SECONDS, "tcp_user_timeout": _LOOK_SECONDS * 1000}
        options = self._options | _named([address]) | limits | {"target_session_attrs": "any"}
        try:
            with closing(psycopg2.connect(**options)) as connection:
                return _read_timeline(connection)
        except psycopg2.Error:
            return 0

    def _follow(self, address: Address, timeline: int) -> None:
        with self._lock:
            before, self._newest = self._newest, timeline
            left = [(one, peer) for one, (its, peer) in self._connections.items() if 0 < its < timeline]
            self._prefer(address)
        for connection, peer in left:
            _cut(connection, peer)
        log.warning("old_primary_left", timeline=before, newest=timeline, connections=len(left))


def _named(addresses: Sequence[Address]) -> dict[str, str]:
    hosts, ports = zip(*addresses, strict=True)
    return {"host": ",".join(hosts), "port": ",".join(map(str, ports))}


def _read_timeline(connection: Any) -> int:
    """0 of a standby, and of a managed server that does not tell: that one is taken as it is."""
    connection.autocommit = True  # in no transaction, which would be left open or broken
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute(_TIMELINE_OF_PRIMARY)
            [timeline] = cursor.fetchone()
    except psycopg2.Error:
        if connection.closed:
            raise
        timeline = 0
    connection.autocommit = False
    return timeline or 0


def _peer(connection: Any) -> Any:
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        return wire.getpeername()


def _cut(connection: Any, peer: Any) -> None:
    """As if its server had died: who waits for it in another thread is told at once."""
    with suppress(psycopg2.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as wire:
        if wire.getpeername() == peer:  # else the number is another connection's by now
            wire.shutdown(socket.SHUT_RDWR)
