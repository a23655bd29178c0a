"""One connection to Redis with two loops: one writes what callers ask, the other reads the replies in their order."""

import os
import queue
import threading
from collections import deque
from contextlib import suppress
from typing import Any

import hiredis
import redis

_READ_BYTES = 65_536
_INCOMPLETE = object()


class _Forks:
    """How often this process was forked off; asking the system for the process' number is a system call."""

    count = 0

    def increment(self) -> None:
        self.count += 1


_forks = _Forks()
os.register_at_fork(after_in_child=_forks.increment)


class CommandNotAnswered(Exception):
    """The connection was lost first, or Redis replied with an error."""

    retryable = True


class PendingReply:
    """A command that was written, or will be, and whose reply has not been read yet."""

    __slots__ = ("arrived", "packed", "reply")

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.reply: Any = None
        self.arrived = threading.Event()

    def resolve(self, reply: Any) -> None:
        self.reply = reply
        self.arrived.set()


class MultiplexedConnection:
    """Connects by itself. Once lost it stays closed: every pending reply fails, and the next caller needs a new one.

    `connection` is one of `core.redis_failover`.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._forks = _forks.count
        self._has_ended = False
        self._lock = threading.Lock()
        self._pending: deque[PendingReply] = deque()  # in the order of the replies
        self._unsent: queue.SimpleQueue[PendingReply | None] = queue.SimpleQueue()
        threading.Thread(target=self._write_loop, name="redis-write", daemon=True).start()

    @property
    def is_closed(self) -> bool:
        """Also after a fork: the threads stayed behind."""
        return self._has_ended or self._forks != _forks.count

    @property
    def is_stale(self) -> bool:
        """Whether the address has failed over since: then even what it reads may be wrong."""
        return bool(self._connection.is_stale)

    def request(self, command: tuple[Any, ...]) -> Any:
        """Raises CommandNotAnswered, and TimeoutError as redis-py does."""
        pending = PendingReply(b"".join(self._connection.pack_command(*command)))
        with self._lock:
            if self._has_ended:
                raise CommandNotAnswered
            self._pending.append(pending)
            self._unsent.put(pending)
        if not pending.arrived.wait(self._connection.socket_timeout):
            self.close()
            raise redis.TimeoutError("no reply in time")
        if isinstance(pending.reply, Exception):
            self._connection.drop_on(str(pending.reply))
            raise CommandNotAnswered from pending.reply
        return pending.reply

    def close(self) -> None:
        """Harmless when repeated."""
        with self._lock:
            self._has_ended = True
            lost, self._pending = self._pending, deque()
        for pending in lost:
            pending.resolve(CommandNotAnswered())
        self._unsent.put(None)
        with suppress(OSError, AttributeError):  # not connected any more, or not yet
            self._connection._sock.shutdown(2)  # noqa: SLF001 wakes the read loop, which disconnects

    def _write_loop(self) -> None:
        with suppress(redis.RedisError, OSError):
            self._connection.connect()
            connected = self._connection._get_socket()  # noqa: SLF001 many replies may come in one read
            connected.settimeout(None)
            threading.Thread(target=self._read_loop, args=(connected,), name="redis-read", daemon=True).start()
            while (pending := self._unsent.get()) is not None:
                connected.sendall(pending.packed + self._take_unsent())
        self.close()

    def _take_unsent(self) -> bytes:
        """What was asked meanwhile leaves in the same write."""
        packed = []
        while not self._unsent.empty():
            pending = self._unsent.get()
            if pending is None:
                self._unsent.put(None)
                break
            packed.append(pending.packed)
        return b"".join(packed)

    def _read_loop(self, connected: Any) -> None:
        reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        with suppress(hiredis.HiredisError, OSError):
            while data := connected.recv(_READ_BYTES):
                reader.feed(data)
                while (reply := reader.gets()) is not _INCOMPLETE:
                    if not isinstance(reply, hiredis.PushNotification):
                        self._resolve_next(reply)
        self.close()
        self._connection.disconnect()

    def _resolve_next(self, reply: Any) -> None:
        """Raises ConnectionAbortedError where nobody waits for it: it came while the connection was closed."""
        with self._lock:
            if not self._pending:
                raise ConnectionAbortedError
            pending = self._pending.popleft()
        pending.resolve(reply)
