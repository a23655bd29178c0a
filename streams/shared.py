"""A Redis client for processes of many callers: what they ask in one moment leaves in one write, on one connection."""

import os
import queue
import threading
from collections import deque
from contextlib import suppress
from typing import Any

import hiredis
import redis

# Quick, and harmless when asked twice. Everything else, and all pipelines, take a connection of their own.
_SHARED = frozenset({"EVALSHA", "EXISTS", "GET", "HGETALL", "HMGET", "MGET"})
_READ_BYTES = 65_536
_NOTHING_YET = object()


class _Forks:
    """How often this process was forked off; asking the system for the process' number is dear."""

    count = 0

    def note(self) -> None:
        self.count += 1


_forks = _Forks()
os.register_at_fork(after_in_child=_forks.note)


class SharedRedis(redis.Redis):
    """A pool's connection per command costs three times as much as the command.

    The price: a long answer holds up those behind it, as it does in Redis itself.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._line: Line | None = None
        self._line_lock = threading.Lock()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] not in _SHARED:
            return self._execute_alone(*args, **options)
        try:
            reply = self._open_line().ask(args)
        except LineLostError:
            # The ordinary way tries once more, and knows every error by its class.
            return self._execute_alone(*args, **options)
        callback = self.response_callbacks.get(args[0])  # type: ignore[no-untyped-call] # redis-py's
        options.pop("keys", None)
        return callback(reply, **options) if callback else reply

    def close(self) -> None:
        with self._line_lock:
            line, self._line = self._line, None
        if line is not None:
            line.end()
        super().close()

    def _execute_alone(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py's

    def _open_line(self) -> "Line":
        with self._line_lock:
            if self._line is None or self._line.is_over:
                pool = self.connection_pool
                self._line = Line(pool.connection_class(**pool.connection_kwargs))
            return self._line


class LineLostError(Exception):
    """Not answered, or not with a result."""

    retryable = True


class Question:
    __slots__ = ("answered", "packed", "reply")

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self.reply: Any = None
        self.answered = threading.Event()

    def answer(self, reply: Any) -> None:
        self.reply = reply
        self.answered.set()


class Line:
    """One connection until it breaks; then all that is open is lost, and the next needs a new one."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._forks = _forks.count
        self._has_ended = False
        self._lock = threading.Lock()
        self._asked: deque[Question] = deque()  # in the order of the answers
        self._unsent: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        threading.Thread(target=self._speak, name="redis-speak", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Also after a fork: the threads stayed behind."""
        return self._has_ended or self._forks != _forks.count

    def ask(self, command: tuple[Any, ...]) -> Any:
        """Raises LineLostError, and TimeoutError as redis-py does."""
        question = Question(b"".join(self._connection.pack_command(*command)))
        with self._lock:
            if self._has_ended:
                raise LineLostError
            self._asked.append(question)
            self._unsent.put(question)
        if not question.answered.wait(self._connection.socket_timeout):
            self.end()
            raise redis.TimeoutError("no answer in time")
        if isinstance(question.reply, Exception):
            raise LineLostError from question.reply
        return question.reply

    def end(self) -> None:
        """Harmless when repeated."""
        with self._lock:
            self._has_ended = True
            lost, self._asked = self._asked, deque()
        for question in lost:
            question.answer(LineLostError())
        self._unsent.put(None)
        with suppress(OSError, AttributeError):  # not connected any more, or not yet
            self._connection._sock.shutdown(2)  # noqa: SLF001 wakes the listener, which closes it

    def _speak(self) -> None:
        with suppress(redis.RedisError, OSError):
            self._connection.connect()
            connected = self._connection._get_socket()  # noqa: SLF001 many answers may come in one read
            connected.settimeout(None)
            listener = threading.Thread(target=self._listen, args=(connected,), name="redis-hear", daemon=True)
            listener.start()
            while (question := self._unsent.get()) is not None:
                connected.sendall(question.packed + self._take_unsent())
        self.end()

    def _take_unsent(self) -> bytes:
        """Of those that came meanwhile."""
        packed = []
        while not self._unsent.empty():
            question = self._unsent.get()
            if question is None:
                self._unsent.put(None)
                break
            packed.append(question.packed)
        return b"".join(packed)

    def _listen(self, connected: Any) -> None:
        reader = hiredis.Reader(notEnoughData=_NOTHING_YET)
        with suppress(hiredis.HiredisError, OSError):
            while data := connected.recv(_READ_BYTES):
                reader.feed(data)
                while (reply := reader.gets()) is not _NOTHING_YET:
                    if not isinstance(reply, hiredis.PushNotification):
                        self._asked.popleft().answer(reply)
        self.end()
        self._connection.disconnect()
