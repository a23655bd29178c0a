"""Connections to Redis that are dropped when their server turns out to be no primary, or cannot take writes now.

After a failover, connections that stayed open lead to the node of before: writes are refused there and reads are stale,
for as long as they live. So the first such error drops every connection of this process to that address; the next
command connects anew, and only to a primary. A new connection that finds another primary than those of before drops
them, too: what lost its own to a time-out is refused nothing, and a subscription hears of no failover by itself.
"""

import re
from collections import Counter
from typing import Any

import redis
from redis import exceptions

_UNBLOCKED = "UNBLOCKED"
# A primary that was cut off from its replicas (min-replicas-to-write): another may lead by now.
_NO_REPLICAS = "NOREPLICAS"
# Redis names its errors by their first word.
_CODES = frozenset({"READONLY", "MASTERDOWN", "LOADING", "OOM", _UNBLOCKED, _NO_REPLICAS})

_REPLICATION_FIELD = re.compile(r"^(role|master_replid):(\S+)", re.MULTILINE)

# How often the connections to an address were dropped.
_generations: Counter[str] = Counter()
# The replication id of the primary that an address led to last. Each promotion begins a new one.
_primaries: dict[str, str] = {}


def current_generation(address: str) -> int:
    return _generations[address]


def start_generation(address: str) -> None:
    """Let every connection of this process to the address be dropped before its next use."""
    _generations[address] += 1


class NotPrimaryError(exceptions.ConnectionError):
    """The server refused the command because it is, or has just become, a replica, or has lost its own. Nothing was
    done."""

    retryable = True


class FailoverMixin:
    """For connections of redis-py."""

    _generation = 0
    _found_generation = 0  # when it was begun
    _sock: Any

    @property
    def is_stale(self) -> bool:
        """Whether the address has failed over since this connection was made."""
        return self._sock is not None and self._generation != _generations[self._address]

    def drop_on(self, error_text: str) -> None:
        """For whoever reads replies without `read_response`: drop all connections if this error is one that asks for
        it."""
        if error_text.partition(" ")[0] in _CODES:
            self._start_generation()

    def connect(self) -> None:
        """Pools call it before each use."""
        self.disconnect_if_stale()
        super().connect()  # type: ignore[misc]

    def disconnect_if_stale(self) -> None:
        if self.is_stale:
            self.disconnect()  # type: ignore[attr-defined]

    def on_connect_check_health(self, check_health: bool = True) -> None:
        super().on_connect_check_health(check_health=check_health)  # type: ignore[misc]
        self._generation = self._found_generation
        self._require_primary()
        if self.is_stale:
            # As after a server that was frozen while it was connected to, and still takes itself for the primary.
            raise NotPrimaryError("another server leads since this connection was begun")

    def read_response(self, *args: Any, **options: Any) -> Any:
        """A refusal of a replica becomes NotPrimaryError, which redis-py and kombu treat as a lost connection. OOM
        stays what it is: a pipeline may have been carried out in part, and must not be repeated."""
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except (exceptions.ReadOnlyError, exceptions.MasterDownError) as exc:
            self._drop_all()
            raise NotPrimaryError(str(exc)) from exc
        except (exceptions.BusyLoadingError, exceptions.OutOfMemoryError):
            self._drop_all()
            raise
        except exceptions.ResponseError as exc:
            code = str(exc).partition(" ")[0]
            if code not in {_UNBLOCKED, _NO_REPLICAS}:
                raise
            self._drop_all()
            raise NotPrimaryError(code) from exc

    def _connect(self) -> Any:
        self._found_generation = _generations[self._address]
        return super()._connect()  # type: ignore[misc]

    @property
    def _address(self) -> str:
        return str(getattr(self, "path", None) or f"{getattr(self, 'host', '')}:{getattr(self, 'port', '')}")

    def _drop_all(self) -> None:
        self._start_generation()
        self.disconnect()  # type: ignore[attr-defined]

    def _start_generation(self) -> None:
        """Only the first error of a generation does: a late one must not drop what was connected since."""
        if self._generation == _generations[self._address]:
            start_generation(self._address)

    def _require_primary(self) -> None:
        self.send_command("INFO", "replication", check_health=False)  # type: ignore[attr-defined]
        try:
            info = self.read_response()
        except exceptions.ResponseError:
            return  # a proxy, or an ACL, that does not know the command
        state = dict(_REPLICATION_FIELD.findall(info.decode() if isinstance(info, bytes) else info))
        if state.get("role") == "slave":
            raise NotPrimaryError("a replica answers at this address")
        self._compare_primary(state.get("master_replid", ""))

    def _compare_primary(self, primary: str) -> None:
        """Drop the connections to another primary than this one, which is the newer: a connection that was begun
        before they were dropped is refused as stale instead."""
        before = _primaries.setdefault(self._address, primary)
        if primary == before or self.is_stale:
            return
        _primaries[self._address] = primary
        self._start_generation()
        self._generation = _generations[self._address]


class FailoverConnection(FailoverMixin, redis.Connection):
    """Over TCP."""


class FailoverSSLConnection(FailoverMixin, redis.SSLConnection):
    """Over TLS."""


class FailoverUnixConnection(FailoverMixin, redis.UnixDomainSocketConnection):
    """Over a Unix socket."""


_COUNTERPARTS: dict[type[Any], type[Any]] = {
    redis.Connection: FailoverConnection,
    redis.SSLConnection: FailoverSSLConnection,
    redis.UnixDomainSocketConnection: FailoverUnixConnection,
}


def survive_failover(pool: redis.ConnectionPool) -> None:
    """Let a pool that has no connection yet make them of these classes. Harmless when repeated, and for pools of
    `core.redis_pools`."""
    pool.connection_class = _COUNTERPARTS.get(pool.connection_class, pool.connection_class)
