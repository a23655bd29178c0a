"""Counts the readers of all web processes together: each has leases in Redis, which its process renews while it stays.

Redis may be away, emptied or slow: nobody is refused over it, as each process bounds its own readers too. What it has
lost is told to it again when it answers, and what a killed process has left behind runs out.
"""

import hmac
import math
import os
import secrets
import threading
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.logs import get_logger
from core.names import READERS_KEY
from core.redis_pools import build_pool
from core.redis_script import Script
from streams import StreamsError
from streams.errors import translated
from streams.multiplexed import MultiplexedRedis
from webapp.relay.loop import plain_lock

log = get_logger(__name__)

LEASE_SECONDS = 30.0
# So that two renewals may fail.
_RENEWALS_PER_LEASE, _LOOKS_PER_RENEWAL = 3, 10
_READERS_PER_CALL = 200
# As long as a reader waits, once, for a Redis that does not answer.
_TIMEOUT_SECONDS, _MAX_CONNECTIONS = 1, 4
_PSEUDONYM_BYTES = 16
_ACQUIRE, _RENEW = (Script(Path(__file__).with_name(f"{name}_leases.lua")) for name in ("acquire", "renew"))


class Leased(Protocol):
    """A reader, as it is counted. No two of a process have the same number."""

    number: int

    @property
    def sets(self) -> Sequence[bytes]:
        """Pseudonyms of what it is counted by."""


def connect_leases(url: str) -> Redis:
    """Connections of their own: those of other commands wait longer for an answer than a reader should for this."""
    pool = build_pool(
        url,
        BlockingConnectionPool,
        max_connections=_MAX_CONNECTIONS,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return MultiplexedRedis.from_pool(pool)


class ReaderLeases:
    """One for a process; starts with its first reader, never before a fork."""

    def __init__(self, redis: Redis, pseudonym_key: bytes, lease_seconds: float = LEASE_SECONDS) -> None:
        self._redis = redis
        self._pseudonym_key = pseudonym_key
        self._lease_seconds = lease_seconds
        self._renew_seconds = lease_seconds / _RENEWALS_PER_LEASE
        self._look_seconds = self._renew_seconds / _LOOKS_PER_RENEWAL
        self._held: dict[Leased, None] = {}  # who was renewed longest ago comes first
        self._unsent: list[Leased] = []  # held, and Redis was not asked
        self._released: list[Leased] = []
        self._is_away, self._answered_at = False, 0.0
        self._lock = plain_lock()
        self._start_lock = threading.Lock()
        self._pid = 0

    def pseudonym(self, scope: str, name: str) -> bytes:
        """Stands for an address or a person in Redis, which must not know them."""
        return hmac.digest(self._pseudonym_key, f"{scope}:{name}".encode(), "sha256")[:_PSEUDONYM_BYTES]

    def acquire(self, reader: Leased, limits: Sequence[int]) -> int | None:
        """None, or the first of its sets that has as many readers as its limit: then nothing is taken. Blocks for one
        round trip; never raises."""
        self._ensure_started()
        is_asked = not self._is_away
        full = self._ask(reader, limits) if is_asked else None
        if full is not None:
            return full
        with self._lock:
            self._held[reader] = None
            if not is_asked or self._is_away:
                self._unsent.append(reader)
        return None

    def release(self, reader: Leased) -> None:
        """Does not wait for Redis. Harmless when repeated."""
        with self._lock:
            if reader not in self._held:
                return
            del self._held[reader]
            self._released.append(reader)
        self._work.set()

    def release_all(self) -> None:
        """Does not wait for Redis; nor need the readers have ended."""
        with self._lock:
            if not self._held:
                return
            held, self._held = self._held, {}
            self._released += held
        self._work.set()

    def stop(self) -> None:
        """The leases of readers that are still there end, too."""
        if self._pid != os.getpid():
            return
        self._stopped.set()
        self._work.set()
        self._thread.join(5)
        self.release_all()
        self._settle()
        self._redis.close()
        self._pid = 0

    def _ensure_started(self) -> None:
        if self._pid == os.getpid():
            return
        with self._start_lock:
            if self._pid == os.getpid():
                return
            self._process = secrets.token_hex(8)
            self._looked_at = self._answered_at = time.monotonic()
            self._work, self._stopped = threading.Event(), threading.Event()
            self._thread = threading.Thread(target=self._run, name="relay-leases", daemon=True)
            self._thread.start()
            self._pid = os.getpid()

    def _ask(self, reader: Leased, limits: Sequence[int]) -> int | None:
        keys, ttl_ms = [_key(name) for name in reader.sets], int(self._lease_seconds * 1000)
        try:
            with translated(self._redis, "acquire leases"):
                full: int = _ACQUIRE.run(self._redis, keys, [ttl_ms, self._name(reader), *limits])
        except StreamsError as exc:
            self._note_outage(exc)
            return None
        return full - 1 if full else None

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._work.wait(self._look_seconds)
            self._work.clear()
            try:
                self._settle()
            except Exception:
                # The edge of this thread: without it nothing would be renewed any more.
                log.exception("relay_leases_crashed")
            if self._is_away:
                self._stopped.wait(self._look_seconds)

    def _settle(self) -> None:
        """One at a time: a lease that is renewed while it ends would stay."""
        now = time.monotonic()
        with self._lock:
            released, self._released = self._released, []
            due = self._pick_due(now)
        try:
            if self._is_away:  # there may be nothing to tell
                with translated(self._redis, "ping"):
                    self._redis.ping()
            self._send(released, 0)
            self._send(due, int(self._lease_seconds * 1000))
        except StreamsError as exc:
            self._note_outage(exc)
            # What lay in the connections of a Redis that hung may be carried out when it goes on, and hold for a lease.
            if now - self._answered_at < 2 * self._lease_seconds:
                self._released += released
        else:
            self._note_answer(now)

    def _pick_due(self, now: float) -> list[Leased]:
        """All, where Redis may have lost any; else as many as bring each its turn within a period."""
        unsent, self._unsent = self._unsent, []
        share = min((now - self._looked_at) / self._renew_seconds, 1.0)
        self._looked_at = now
        if self._is_away:
            return list(self._held)
        due = [reader for reader in unsent if reader in self._held]
        due += islice(self._held, math.ceil(len(self._held) * share))
        for reader in due:
            del self._held[reader]
            self._held[reader] = None
        return due

    def _send(self, readers: Sequence[Leased], ttl_ms: int) -> None:
        """Raises StreamsError."""
        for begin in range(0, len(readers), _READERS_PER_CALL):
            batch = readers[begin : begin + _READERS_PER_CALL]
            leases = [(_key(name), self._name(reader)) for reader in batch for name in reader.sets]
            with translated(self._redis, "renew leases"):
                _RENEW.run(self._redis, [key for key, _ in leases], [ttl_ms, *(name for _, name in leases)])

    def _note_outage(self, exc: StreamsError) -> None:
        if not self._is_away:
            log.warning("relay_leases_not_counted", error=str(exc))
        self._is_away = True

    def _note_answer(self, at: float) -> None:
        if self._is_away:
            log.info("relay_leases_counted_again")
        self._is_away, self._answered_at = False, at

    def _name(self, reader: Leased) -> str:
        return f"{self._process}:{reader.number:x}"


def _key(pseudonym: bytes) -> str:
    return f"{READERS_KEY}:{pseudonym.hex()}"
