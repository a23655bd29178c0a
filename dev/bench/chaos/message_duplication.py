"""Delivers every task a second time: follows the broker by MONITOR and pushes each message to its queue once more."""

import random
import re
import threading
import time

import redis

from dev.bench.chaos.product import QUEUES

_PUSH = re.compile(rb'^\+[\d.]+ \[[^\]]*\] "LPUSH" "(\w+)" "(.*)"\r?\n?$', re.DOTALL)
_ESCAPED = re.compile(rb"\\(x[0-9a-f]{2}|.)")
_LONGEST_DELAY = 0.4
_REMEMBERED = 2000
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}


def unescape(text: bytes) -> bytes:
    """MONITOR prints strings as C does."""
    return _ESCAPED.sub(lambda match: _plain(match[1]), text)


def _plain(code: bytes) -> bytes:
    return bytes([int(code[1:], 16)]) if len(code) == 3 else _PLAIN.get(code, code)


class MessageDuplicator:
    """A thread; a broker that is away is tried again."""

    def __init__(self, url: str, rng: random.Random) -> None:
        self._url = url
        self._rng = rng
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="message-duplicator", daemon=True)
        self._own: dict[bytes, None] = {}
        self.duplicated = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError):
                time.sleep(0.05)

    def _listen(self) -> None:
        with redis.Redis.from_url(self._url, socket_timeout=1) as client:
            connection = client.connection_pool.get_connection()
            connection.send_command("MONITOR")
            connection.read_response()
            while not self._stop.is_set():
                try:
                    line = connection.read_response(disconnect_on_error=False)
                except redis.TimeoutError:
                    continue
                self._duplicate(client, line if isinstance(line, bytes) else str(line).encode())

    def _duplicate(self, client: redis.Redis, line: bytes) -> None:
        match = _PUSH.match(b"+" + line)
        if match is None or match[1].decode() not in QUEUES:
            return
        message = unescape(match[2])
        if message in self._own:
            return
        self._own[message] = None
        if len(self._own) > _REMEMBERED:
            del self._own[next(iter(self._own))]
        time.sleep(self._rng.uniform(0, _LONGEST_DELAY) if self._rng.random() < 0.2 else 0)
        client.lpush(match[1], message)
        self.duplicated += 1
