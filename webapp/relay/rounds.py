"""Visits very many members one after another, each once in a period, without a timer of its own for any."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

_BUCKETS = 256


class Numbered(Protocol):
    @property
    def number(self) -> int:
        """Any, but always the same, and spread over the members."""


M = TypeVar("M", bound=Numbered)


class Members(Generic[M]):
    """A set in buckets, so that a part of it can be walked over."""

    def __init__(self) -> None:
        self.buckets: list[set[M]] = [set() for _ in range(_BUCKETS)]
        self._count = 0

    def add(self, member: M) -> None:
        """Once for each member."""
        self.buckets[member.number % _BUCKETS].add(member)
        self._count += 1

    def remove(self, member: M) -> None:
        self.buckets[member.number % _BUCKETS].remove(member)
        self._count -= 1

    def __iter__(self) -> Iterator[M]:
        """Members may come and go meanwhile."""
        for bucket in self.buckets:
            yield from tuple(bucket)

    def __len__(self) -> int:
        return self._count


class Round(Generic[M]):
    """Goes round over all members in `period_seconds`, again and again, beginning at `begins_at`."""

    def __init__(self, members: Members[M], period_seconds: float, begins_at: float) -> None:
        self._members = members
        self._bucket_seconds = period_seconds / _BUCKETS
        self._begins_at = begins_at
        self._visited = 0

    def due(self, now: float) -> Iterator[M]:
        """Whom it has come to since the last call. Members may come and go meanwhile."""
        reached = int((now - self._begins_at) / self._bucket_seconds)
        # After a standstill of more than a period everybody is due once, and not once for each period.
        self._visited = max(self._visited, reached - _BUCKETS)
        while self._visited < reached:
            yield from tuple(self._members.buckets[self._visited % _BUCKETS])
            self._visited += 1
