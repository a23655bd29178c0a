"""Answers many callers' lookups by one query: who comes while one runs is part of the next."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# One that hangs must not hold up everybody.
_QUERIES_AT_ONCE = 2


class LookupAbandoned(Exception):
    """The caller that was asking for others, too, was ended in the middle."""

    retryable = True


class _Batch(Generic[K, V]):
    def __init__(self) -> None:
        self.keys: set[K] = set()
        self.done = threading.Event()
        self.found: Mapping[K, V] = {}
        self.error: Exception | None = None


class BatchedLookup(Generic[K, V]):
    """Nobody waits for others to come: a query leaves as soon as it may, with those who wait by then, and begins after
    each of them has asked. Safe between threads and greenlets."""

    def __init__(self, find_many: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        self._find_many = find_many
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(_QUERIES_AT_ONCE)
        self._next: _Batch[K, V] | None = None

    def find(self, key: K) -> V | None:
        """Raises what `find_many` raises, to all who wait for it."""
        with self._lock:
            is_first = self._next is None
            batch = self._next = self._next or _Batch()
            batch.keys.add(key)
        if is_first:
            self._run(batch)
        else:
            batch.done.wait()
        if batch.error is not None:
            raise batch.error
        return batch.found.get(key)

    def _run(self, batch: _Batch[K, V]) -> None:
        try:
            with self._turns:
                self._close(batch)
                batch.found = self._find_many(tuple(batch.keys))
        except Exception as exc:  # noqa: BLE001 raised again to each caller
            batch.error = exc
        except BaseException:  # this caller is ended, not those who wait for it
            batch.error = LookupAbandoned()
            raise
        finally:
            self._close(batch)
            batch.done.set()

    def _close(self, batch: _Batch[K, V]) -> None:
        """Who comes from now on begins another."""
        with self._lock:
            if self._next is batch:
                self._next = None
