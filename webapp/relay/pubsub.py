"""One pub/sub connection to Redis: subscribes, notices that the connection is dead, and reconnects by itself."""

import math
import queue
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import hiredis
import redis

from core.logs import get_logger
from core.redis_failover import NotPrimaryError
from core.redis_pools import build_pool
from webapp.relay import metrics
from webapp.relay.loop import GeventLoop, is_gevent
from webapp.relay.pubsub_reader import BlockingPubSubReader, LoopPubSubReader, OnData, PubSubReader

log = get_logger(__name__)

_SILENCE_SECONDS = 1.0
_CONNECT_SECONDS = 2.0
_BACKOFF_MAX_SECONDS = 1.0
_COMMANDS_PER_WRITE = 500
_RESTORED = b"restored"


class PubSubLink:
    """Hands over messages in batches, as they were read. Callbacks come from one thread and must not block.

    on_messages(batch)   (channel name, payload) pairs in their order
    on_subscribed(name)  Redis will publish to us from now on
    on_ready()           after a (re)connection every name is subscribed: what was missed can now be read
    names_to_restore()   the names that must be subscribed after a (re)connection
    """

    def __init__(
        self,
        url: str,
        *,
        on_messages: Callable[[list[tuple[bytes, bytes]]], None],
        on_subscribed: Callable[[bytes], None],
        on_ready: Callable[[], None],
        names_to_restore: Callable[[], list[bytes]],
    ) -> None:
        self._pool = build_pool(
            url,
            redis.ConnectionPool,
            protocol=2,
            socket_connect_timeout=_CONNECT_SECONDS,
            socket_timeout=_CONNECT_SECONDS,
        )
        self._on_messages = on_messages
        self._on_subscribed = on_subscribed
        self._on_ready = on_ready
        self._names_to_restore = names_to_restore
        self._lock = threading.Lock()
        self._commands: queue.SimpleQueue[tuple[int, bytes, bytes] | None] = queue.SimpleQueue()
        self._outstanding: dict[bytes, int] = {}
        self._session = 0
        self._socket: Any = None
        self._loop = GeventLoop() if is_gevent() else None
        self._sent_at = math.inf
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._listen, name="relay-listen", daemon=True),
            threading.Thread(target=self._send, name="relay-send", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._commands.put(None)
        self.cut()
        for thread in self._threads:
            thread.join(5)
        if self._loop is not None:
            self._loop.stop()

    def cut(self) -> None:
        """Drop the connection; it comes back unless `stop` was called."""
        with self._lock:
            connected = self._socket
        if connected is not None:
            _shut(connected)

    def subscribe(self, name: bytes) -> None:
        """Never blocks; `on_subscribed` tells when it is done."""
        with self._lock:
            self._outstanding[name] = self._outstanding.get(name, 0) + 1
            self._commands.put((self._session, b"SUBSCRIBE", name))

    def unsubscribe(self, name: bytes) -> None:
        with self._lock:
            self._commands.put((self._session, b"UNSUBSCRIBE", name))

    def _listen(self) -> None:
        pause = 0.05
        while not self._stopping.is_set():
            try:
                self._listen_once()
            except (redis.RedisError, hiredis.HiredisError, OSError) as exc:
                if self._stopping.is_set():
                    return
                metrics.LINK_LOST.inc()
                log.warning("relay_link_lost", error=type(exc).__name__)
            except Exception:
                # The edge of this thread: reconnecting recovers what was missed.
                log.exception("relay_link_failed")
            pause = 0.05 if self._socket is not None else min(pause * 2, _BACKOFF_MAX_SECONDS)
            with self._lock:
                self._socket = None
            self._stopping.wait(pause * random.uniform(0.5, 1))  # noqa: S311 spreads, hides nothing

    def _listen_once(self) -> None:
        """Returns never; raises when the connection is lost."""
        connection: Any = self._pool.make_connection()
        try:
            connection.connect()
            # Read here, not by redis-py: one read may bring many messages, and they leave in one batch.
            connected = connection._get_socket()  # noqa: SLF001
            reader = self._make_reader(connected, self._parse_with(hiredis.Reader()))
            try:
                self._restore(connected)
                self._read_until_lost(reader, connection)
            finally:
                reader.stop()
        finally:
            connection.disconnect()

    def _make_reader(self, connected: Any, on_data: OnData) -> PubSubReader:
        if self._loop is None or isinstance(connected, ssl.SSLSocket):
            return BlockingPubSubReader(connected, on_data, _SILENCE_SECONDS)
        return LoopPubSubReader(self._loop, connected, on_data, _SILENCE_SECONDS)

    def _parse_with(self, parser: hiredis.Reader) -> OnData:
        def on_data(data: bytes) -> None:
            parser.feed(data)
            self._dispatch(iter(parser.gets, False))

        return on_data

    def _restore(self, connected: Any) -> None:
        with self._lock:
            # Commands of the session before are void: what they wanted is in the names.
            self._session += 1
            names = self._names_to_restore()
            self._outstanding = dict.fromkeys(names, 1)
            for name in names:
                self._commands.put((self._session, b"SUBSCRIBE", name))
            self._commands.put((self._session, b"PING", _RESTORED))
            self._socket = connected

    def _read_until_lost(self, reader: PubSubReader, connection: Any) -> None:
        asked = False
        while not self._stopping.is_set():
            if connection.is_stale:
                raise NotPrimaryError("the address has failed over")  # a replica that is cut off would just be silent
            if reader.read():
                asked = False
            elif not asked:
                asked = True
                self._sent_at = math.inf  # until the ping has left
                with self._lock:
                    self._commands.put((self._session, b"PING", b""))
            elif time.monotonic() - self._sent_at >= _SILENCE_SECONDS * 0.9:
                raise TimeoutError  # a second of silence, and another without an answer to our ping: it is dead

    def _dispatch(self, replies: Iterable[Any]) -> None:
        messages: list[tuple[bytes, bytes]] = []
        subscribed: list[bytes] = []
        ready = False
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise ConnectionAbortedError(str(reply).partition(" ")[0])
            match reply:
                case [b"message", name, payload]:
                    messages.append((name, payload))
                case [b"subscribe", name, _] if self._is_last_outstanding(name):
                    subscribed.append(name)
                case [b"pong", payload] | payload if payload == _RESTORED:
                    ready = True
        if messages:
            self._on_messages(messages)
        for name in subscribed:
            self._on_subscribed(name)
        if ready:
            self._on_ready()

    def _is_last_outstanding(self, name: bytes) -> bool:
        """Subscribed, left and subscribed again at once: only the last answer means that we will stay."""
        with self._lock:
            left = self._outstanding.pop(name, 1) - 1
            if left:
                self._outstanding[name] = left
            return not left

    def _send(self) -> None:
        while (command := self._commands.get()) is not None:
            batch = [command]
            while len(batch) < _COMMANDS_PER_WRITE and not self._commands.empty():
                following = self._commands.get()
                if following is None:
                    return
                batch.append(following)
            with self._lock:
                connected = self._socket
                current = self._session
            wanted = [(verb, name) for session, verb, name in batch if session == current]
            if connected is None or not wanted:
                continue
            try:
                connected.sendall(b"".join(_pack(verb, name) for verb, name in wanted))
                # The first after the ping was asked for: new readers would else keep a dead connection alive.
                self._sent_at = min(self._sent_at, time.monotonic())
            except OSError:
                _shut(connected)  # the listener sees it and reconnects


def _pack(verb: bytes, name: bytes) -> bytes:
    parts = [verb, name] if name else [verb]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _shut(connected: Any) -> None:
    try:
        connected.shutdown(2)
    except OSError:
        return  # gone already
